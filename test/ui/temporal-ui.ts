import type { Browser, Page, Request, Response } from 'playwright-core';
import { eventually } from '../support/harness.ts';
import { launchBrowser } from './browser.ts';

/** The fields of the UI's start form. */
export interface StartForm {
  readonly workflowId: string;
  readonly taskQueue: string;
  /** A JSON text, right or wrong. */
  readonly input: string;
}

const STEP_MS = 20_000;
const VIEWPORT = { width: 1440, height: 900 };

/** The Temporal UI in a real browser, used as a person uses it: by what is written on the page. */
export class TemporalUi {
  readonly page: Page;
  /** The errors that the page logged. */
  readonly errors: string[] = [];
  readonly #answers: Promise<string>[] = [];
  readonly #browser: Browser;
  readonly #url: string;

  private constructor(browser: Browser, page: Page, url: string) {
    this.#browser = browser;
    this.page = page;
    this.#url = url;
    page.setDefaultTimeout(STEP_MS);
    page.on('pageerror', (error) => this.errors.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') this.errors.push(`${message.text()} (${message.location().url})`);
    });
    page.on('requestfinished', (request) => {
      if (request.url().includes('/api/')) this.#answers.push(bodyOf(request));
    });
  }

  /** @param url Where the UI is, as http://127.0.0.1:8233. */
  static async open(url: string, deviceScaleFactor = 1): Promise<TemporalUi> {
    const browser = await launchBrowser();
    const context = await browser.newContext({ viewport: VIEWPORT, deviceScaleFactor, colorScheme: 'light' });
    return new TemporalUi(browser, await context.newPage(), url);
  }

  async close(): Promise<void> {
    await this.#browser.close();
  }

  /** All that the UI's server has told the page, with what it told in Base64 decoded. */
  async answers(): Promise<string> {
    const bodies = (await Promise.all(this.#answers)).join('\n');
    const payloads = [...bodies.matchAll(/"data":\s*"([A-Za-z0-9+/=]+)"/g)];
    return [bodies, ...payloads.map(([, data = '']) => Buffer.from(data, 'base64').toString())].join('\n');
  }

  /** Opens the start form from the list of workflows, and fills it in. */
  async fillStartForm({ workflowId, taskQueue, input }: StartForm): Promise<void> {
    await this.#openWorkflows();
    await this.page.getByRole('button', { name: 'Start Workflow' }).click();
    await this.page.getByRole('heading', { name: 'Start a Workflow' }).waitFor();
    await this.page.getByRole('textbox', { name: 'Workflow ID' }).fill(workflowId);
    await this.page.getByRole('textbox', { name: 'Task Queue' }).fill(taskQueue);
    await this.page.getByRole('textbox', { name: 'Workflow Type' }).fill('ingest');
    const data = this.page.locator('main .cm-content');
    await data.fill(input);
    // The form lays the JSON out when the field is left, and thereby moves the button away from under the mouse.
    await data.blur();
    await this.page
      .locator('main .cm-line')
      .nth(lines(input) - 1)
      .waitFor();
    await this.page.getByText('Task Queue is Active').waitFor();
  }

  /** By the link of the page, where one is open. */
  async #openWorkflows(): Promise<void> {
    const back = this.page.getByRole('link', { name: 'Back to Workflows' });
    if (await back.isVisible()) await back.click();
    else await this.page.goto(`${this.#url}/namespaces/default/workflows`);
  }

  /** Opens a run's page. */
  async openRun(workflowId: string): Promise<void> {
    await this.page.goto(`${this.#url}/namespaces/default/workflows/${workflowId}`);
    await this.page.getByRole('heading', { name: workflowId }).waitFor();
  }

  /** Starts a run by the form, and follows the UI's link to its page. */
  async start(form: StartForm): Promise<void> {
    await this.fillStartForm(form);
    await this.page.getByRole('button', { name: 'Start Workflow' }).click();
    const started = this.page.getByRole('link', { name: 'Workflow started successfully' });
    // Links to runs that were started before may still be shown; this run's names it.
    await started.and(this.page.locator(`[href*="/${form.workflowId}/"]`)).click();
    await this.page.getByRole('heading', { name: form.workflowId }).waitFor();
  }

  /** Waits until the run's page shows a status: Running, Completed or Failed. */
  async waitForStatus(status: 'Running' | 'Completed' | 'Failed'): Promise<void> {
    await this.page.getByRole('main').getByText(status, { exact: true }).first().waitFor();
  }

  /** Opens a tab of a run's page. */
  async openTab(name: string): Promise<void> {
    const tab = this.page.getByRole('tab', { name });
    await tab.click();
    await this.page.locator('[role=tab][aria-selected=true]', { hasText: name }).waitFor();
  }

  /** Returns the text of a run's User Metadata tab; reloads until it matches. */
  async currentDetails(expected: RegExp): Promise<string> {
    await this.openTab('User Metadata');
    const details = this.page.frameLocator('main iframe').locator('body');
    await eventually(`the details say ${String(expected)}`, async () => {
      if (expected.test(await details.innerText())) return true;
      const answered = this.page.waitForResponse(isQuery);
      await this.page.keyboard.press('r');
      await answered;
      return false;
    });
    return details.innerText();
  }

  /** The JSON on the page that holds the text; of a long one, what is in sight. */
  async json(text: string): Promise<string> {
    return this.page.locator('main .cm-content').filter({ hasText: text, visible: true }).last().innerText();
  }

  /** Returns the visible text of the tab Queries. */
  async query(name: string, expected: string): Promise<string> {
    await this.openTab('Queries');
    await this.page.getByRole('button', { name, exact: true }).waitFor();
    await this.page.getByRole('button', { name: 'Run Query' }).click();
    return this.json(expected);
  }

  /** Sends an update by More Actions, Send an Update. */
  async sendUpdate(name: string): Promise<void> {
    const dialog = this.page.getByRole('dialog');
    await this.page.getByRole('button', { name: 'More Actions' }).click();
    await this.page.getByRole('menuitem', { name: 'Send an Update' }).click();
    await dialog.getByRole('button', { name: 'Select an Update' }).click();
    await dialog.getByRole('option', { name }).click();
    await dialog.getByRole('button', { name: 'Submit' }).click();
  }

  /** Returns the error of the open dialog, and closes the dialog. */
  async refusal(): Promise<string> {
    const dialog = this.page.getByRole('dialog');
    const text = await dialog.getByRole('alert').getByRole('paragraph').first().innerText();
    await dialog.getByRole('button', { name: 'Cancel' }).last().click();
    return text;
  }
}

async function bodyOf(request: Request): Promise<string> {
  const response = await request.response();
  // The browser forgets the answer to what a page asked that has been left.
  return (await response?.text().catch(() => '')) ?? '';
}

/** How many lines the form makes of the text; what is no JSON it leaves as it is. */
function lines(input: string): number {
  try {
    return JSON.stringify(JSON.parse(input), null, 2).split('\n').length;
  } catch {
    return input.split('\n').length;
  }
}

function isQuery(response: Response): boolean {
  return response.request().method() === 'POST' && response.url().includes('/query');
}
