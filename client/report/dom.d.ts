/**
 * The DOM types that the charts use: Plot draws into a linkedom document. TypeScript's DOM library is not loaded, since
 * no code here runs in a browser.
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
