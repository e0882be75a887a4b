import { Context } from '@temporalio/activity';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';
import { activityInputs, type ActivityInputs } from '../activities/inputs.ts';
import { requireInput } from '../activities/require-input.ts';
import type { Settings } from '../model/settings.ts';

/** Validates the input of every activity before it runs. */
export class InputGuard implements ActivityInboundCallsInterceptor {
  readonly #inputs: ActivityInputs;

  constructor(settings: Pick<Settings, 'sources'>) {
    this.#inputs = activityInputs(settings);
  }

  /** @throws {PipelineError} INPUT_INVALID */
  execute(
    input: ActivityExecuteInput,
    next: Next<ActivityInboundCallsInterceptor, 'execute'>,
  ): Promise<unknown> {
    requireInput(this.#inputs, Context.current().info.activityType, input.args);
    return next(input);
  }
}
