import { chromium, type Browser } from 'playwright-core';
import { findChromium } from './chromium.ts';

/** Chromium without background requests; as root it needs --no-sandbox. */
const WORDS = [
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
];

/** Starts the machine's Chromium. */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error('there is no Chromium');
  return chromium.launch({ executablePath, args: WORDS });
}
