import { createHash } from 'node:crypto';
import { stageAt } from '../base/life.ts';
import { type EmulatedFlinkJob, isFlinkOver, savepointOf, startOf } from './jobs.ts';

/** Returns a job of the list without `show_detail`. Before its run `start_time` is 0; outside of it `duration` is 0. */
export function toRow(job: EmulatedFlinkJob, now: number): Record<string, unknown> {
  const startedAt = startOf(job, now);
  const isRunning = startedAt !== undefined && !isFlinkOver(stageAt(job.life, now).state);
  return withoutHidden(job, {
    ...commonFields(job, now),
    user_name: job.owner,
    start_time: startedAt ?? 0,
    duration: isRunning ? now - startedAt : 0,
    root_id: job.rootId ?? -1,
    ...stateFields(job, now),
  });
}

/** Returns `job_detail`, or a job of the list with `show_detail`. `start_time` is null before the first run. */
export function toDetail(job: EmulatedFlinkJob, now: number, projectId: string): Record<string, unknown> {
  return withoutHidden(job, {
    ...commonFields(job, now),
    user_id: createHash('md5').update(job.owner).digest('hex'),
    project_id: projectId,
    sql_body: job.sqlBody ?? '',
    run_mode: job.runMode ?? 'exclusive_cluster',
    job_config: { ...USUAL_CONFIG, root_id: job.rootId ?? -1, ...job.config },
    main_class: job.mainClass ?? null,
    entrypoint_args: job.entrypointArgs ?? null,
    execution_graph: job.executionGraph ?? null,
    start_time: startOf(job, now) ?? null,
    update_time: updateOf(job, now),
    savepoint_path: savepointOf(job, now) ?? null,
    ...stateFields(job, now),
  });
}

/** When a job last changed: by itself, or by a call. */
function updateOf({ life, updatedAt = 0 }: EmulatedFlinkJob, now: number): number {
  return Math.max(stageAt(life, now).from, updatedAt);
}

function commonFields(job: EmulatedFlinkJob, now: number): Record<string, unknown> {
  const { state, description = '' } = stageAt(job.life, now);
  return {
    job_id: job.id,
    name: job.name,
    desc: job.description ?? '',
    job_type: job.type,
    status: job.shownStatus ?? state,
    status_desc: description,
    create_time: job.life[0].from,
    ...(job.queue !== '' && { queue_name: job.queue }),
    ...(job.tags !== undefined && { tags: job.tags }),
  };
}

function stateFields(job: EmulatedFlinkJob, now: number): Record<string, unknown> {
  return {
    graph_editor_enabled: false,
    has_savepoint: savepointOf(job, now) !== undefined,
    edge_group_ids: [],
    restart_times: job.restartsAt?.filter((at) => at <= now).length ?? 0,
  };
}

function withoutHidden(job: EmulatedFlinkJob, row: Record<string, unknown>): Record<string, unknown> {
  for (const field of job.hiddenFields ?? []) delete row[field];
  return row;
}

/** The configuration in the example of "Querying Job Details". */
const USUAL_CONFIG = {
  checkpoint_enabled: false,
  checkpoint_interval: 10,
  checkpoint_mode: 'exactly_once',
  checkpoint_path: null,
  log_enabled: false,
  obs_bucket: null,
  edge_group_ids: null,
  graph_editor_enabled: false,
  graph_editor_data: '',
  manager_cu_number: 1,
  executor_number: null,
  executor_cu_number: null,
  cu_number: 2,
  real_cu_number: 0,
  parallel_number: 1,
  tm_cus: 1,
  tm_slot_num: null,
  smn_topic: null,
  restart_when_exception: false,
  resume_checkpoint: false,
  resume_max_num: -1,
  idle_state_retention: 3600,
  config_url: null,
  udf_jar_url: null,
  dirty_data_strategy: null,
  entrypoint: null,
  dependency_jars: null,
  dependency_files: null,
  image: null,
  feature: null,
  flink_version: null,
  runtime_config: null,
  resource_config_version: 'v1',
};
