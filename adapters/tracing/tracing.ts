import type { TraceExport } from './collector.ts';

export type { TraceExport } from './collector.ts';

/**
 * Starts OpenTelemetry's traces where its own environment variables name a collector. Where none is named, not
 * even the code for it is loaded.
 * @param service Which part of the product speaks, unless OTEL_SERVICE_NAME says so.
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
