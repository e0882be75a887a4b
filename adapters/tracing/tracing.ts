import type { TraceExport } from './collector.ts';

export type { TraceExport } from './collector.ts';

/**
 * Starts OpenTelemetry tracing if its environment variables configure a collector; otherwise its code is not loaded.
 * @param service The default of OTEL_SERVICE_NAME.
 * @returns Undefined if tracing is off.
 */
export async function startTracing(service: string): Promise<TraceExport | undefined> {
  const endpoints = [
    process.env['OTEL_EXPORTER_OTLP_ENDPOINT'],
    process.env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'],
  ];
  if (process.env['OTEL_SDK_DISABLED'] === 'true' || !endpoints.some(isSet)) return undefined;
  const { traceTo } = await import('./collector.ts');
  return traceTo(service);
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}
