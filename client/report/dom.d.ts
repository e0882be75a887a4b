/**
 * What the charts use of a document: Plot draws into linkedom's. The compiler's own types of browsers are not
 * loaded, since nothing here runs in one.
 */
interface Element {
  textContent: string | null;
  readonly outerHTML: string;
  querySelector(selector: string): Element | null;
  querySelectorAll(selector: string): Iterable<Element>;
  getAttribute(name: string): string | null;
  setAttribute(name: string, value: string): void;
  removeAttribute(name: string): void;
  prepend(child: Element): void;
  remove(): void;
}

// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- Plot names it
interface HTMLElement extends Element {}

// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- Plot names it
interface SVGSVGElement extends Element {}

interface Document {
  createElementNS(namespace: string, name: string): Element;
}

interface Window {
  readonly document: Document;
}
