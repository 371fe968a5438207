import type { Engine } from '../base/job.ts';
import type { EngineAdapter } from './engine.ts';
import { flinkEngine } from './flink.ts';
import { sparkEngine } from './spark.ts';
import { sqlEngine } from './sql.ts';

/** Every engine that can be swept. */
export const ENGINES: Readonly<Record<Engine, EngineAdapter>> = {
  sql: sqlEngine,
  spark: sparkEngine,
  flink: flinkEngine,
};
