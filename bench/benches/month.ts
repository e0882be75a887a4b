import { formatBytes, formatNumber } from '../../model/figures.ts';
import type { Bench, Found } from '../context.ts';
import type { Goal } from '../figures.ts';
import { DayMeter, type DayFigures } from '../month/day-figures.ts';
import { ATTEMPTS_OF_A_RUN, Month, RUNS_OF_A_DAY } from '../month/month.ts';

const DAYS = 30;
const QUICK_DAYS = 2;
const MEASURED_DAYS = [1, 2, 10, 20, 30];
/** The days whose log entries are kept: the default retention, and the day that is not over. */
const KEPT_DAYS = 31;

/** Measures a month of small runs, with upkeep. */
export const monthBench: Bench = {
  name: 'month',
  title: 'A month of a run a minute',
  about: `A run a minute by a simulated clock, ${formatNumber(RUNS_OF_A_DAY)} a day, each of ${ATTEMPTS_OF_A_RUN} attempts: the steps of a run, one after the other in one process, without Temporal. Upkeep of all tables each simulated hour, with the default settings; the last one of a day when it is over. Figures are those of the end of a day. Plan, land and record are medians of the day's runs: plan reads the positions; land uploads and commits a batch to five tables; record commits the run's row. A query, of the attempts of that day, is by a new process without a cache, the median of three. Verify continues the proof of the previous day, and is the whole one on the first. Spark is new, and counts the attempts of each day. It runs only if it is named.`,
  needs: [],
  isOptional: true,
  run: async (context) => {
    const days = context.days ?? (context.quick ? QUICK_DAYS : DAYS);
    const month = await Month.open(context);
    try {
      const meter = await DayMeter.open(context, month);
      const figures: DayFigures[] = [];
      for (let day = 1; day <= days; day += 1) {
        const runs = await month.day();
        const { landing, upkeep } = month;
        context.say(
          `  day ${day}: ${landing.seconds.toFixed(0)} s of landing, ${upkeep.seconds.toFixed(0)} s of upkeep so far`,
        );
        if (MEASURED_DAYS.includes(day) || day === days) figures.push(await meter.measure(day, runs));
        else if (MEASURED_DAYS.includes(day + 1) || day + 1 === days) await meter.verify(day);
        const last = figures.at(-1);
        if (last?.day === day) context.say(`  ${JSON.stringify(last)}`);
      }
      return foundIn(month, figures);
    } finally {
      await month.close();
    }
  },
};

function foundIn(month: Month, figures: readonly DayFigures[]): Found {
  const { landing, upkeep, runs } = month;
  const last = figures.at(-1);
  if (last === undefined) throw new TypeError('no day was measured');
  return {
    attempts: runs * ATTEMPTS_OF_A_RUN,
    bytes: month.bytes,
    sides: [],
    goals: [...flatGoals(figures), ...sizeGoals(last), ...costGoals(month)],
    table: tableOf(figures),
    notes: [
      `${formatNumber(last.day)} simulated days, ${formatNumber(runs)} runs.`,
      `The names in a log are extrapolated: those of the last day are the average of all; the entries of ${KEPT_DAYS} days are kept, since the cutoff of 30 days is rounded down to the day.`,
      `A run takes ${last.run.toFixed(0)} ms and ${((landing.cpuSeconds / runs) * 1000).toFixed(0)} CPU ms. Landing and recording take ${(last.land + last.record).toFixed(0)} ms, mostly for requests to HDFS: about fourteen per commit, six commits, mostly in sequence.`,
      `Landings wrote ${formatBytes(landing.bytes)} of data files and upkeep ${formatBytes(upkeep.bytes)}; files of ${ATTEMPTS_OF_A_RUN} attempts are mostly the frame of a Parquet file, so merged ones are smaller.`,
      `Landings took ${landing.cpuSeconds.toFixed(0)} CPU seconds and upkeep ${upkeep.cpuSeconds.toFixed(0)}, of this process, Kafka, the NameNode and the DataNode.`,
    ],
  };
}

/** Compares the last day with the second. */
function flatGoals(figures: readonly DayFigures[]): Goal[] {
  const [second, last] = [figures.find(({ day }) => day === 2), figures.at(-1)];
  if (second === undefined || last === undefined || last.day <= second.day) return [];
  const goals: [what: string, value: number][] = [
    ['land', last.land / second.land],
    ['plan', last.plan / second.plan],
    ['record', last.record / second.record],
    ['a cold query', last.query / second.query],
    ['verify of the day', last.verify / second.verify],
  ];
  if (last.spark !== undefined && second.spark !== undefined)
    goals.push(['Spark’s count', last.spark / second.spark]);
  return goals.map(([what, value]) => ({
    ...{ what: `month: ${what}, day ${last.day} / day 2`, value, unit: 'times' as const },
    ...{ sense: 'at most' as const, bound: 1.2 },
  }));
}

function sizeGoals({ day, logNames, filesOfClosedDay }: DayFigures): Goal[] {
  const most = Math.max(...Object.values(logNames));
  return [
    {
      ...{
        what: 'month: names in the largest log folder, extrapolated',
        value: Math.round((most / day) * KEPT_DAYS),
      },
      ...{ unit: 'names' as const, sense: 'at most' as const, bound: 50_000 },
    },
    {
      ...{ what: 'month: live files of a day that is over, per source and table', value: filesOfClosedDay },
      ...{ unit: 'names' as const, sense: 'at most' as const, bound: 1 },
    },
  ];
}

function costGoals({ landing, upkeep }: Month): Goal[] {
  return [
    {
      ...{ what: 'month: bytes written by compaction / landed', value: upkeep.bytes / landing.bytes },
      ...{ unit: 'times' as const, sense: 'at most' as const, bound: 2 },
    },
    {
      ...{ what: 'month: CPU seconds of upkeep / of landing', value: upkeep.cpuSeconds / landing.cpuSeconds },
      ...{ unit: 'times' as const, sense: 'at most' as const, bound: null },
    },
  ];
}

function tableOf(figures: readonly DayFigures[]): NonNullable<Found['table']> {
  const rows: [what: string, value: (one: DayFigures) => string][] = [
    ['names in HDFS', (one) => formatNumber(one.names)],
    ...Object.keys(figures.at(-1)?.logNames ?? {}).map((table): [string, (one: DayFigures) => string] => [
      `names in the log of \`${table}\``,
      (one) => formatNumber(one.logNames[table] ?? 0),
    ]),
    ['live files of a day, at most', (one) => formatNumber(one.filesOfClosedDay)],
    ['plan, ms', (one) => one.plan.toFixed(0)],
    ['land, ms', (one) => one.land.toFixed(0)],
    ['record, ms', (one) => one.record.toFixed(0)],
    ['whole run, ms', (one) => one.run.toFixed(0)],
    ['cold query, ms', (one) => one.query.toFixed(0)],
    ['verify of the day, ms', (one) => one.verify.toFixed(0)],
    ['Spark’s count, ms', (one) => one.spark?.toFixed(0) ?? ''],
  ];
  return {
    columns: ['at the end of day', ...figures.map(({ day }) => String(day))],
    rows: rows.map(([what, value]) => [what, ...figures.map(value)]),
  };
}
