/** A value of a key, with the keys beside it that it needs. */
interface Example {
  value: unknown;
  with?: Record<string, unknown>;
}

/** The keys that select jobs, wherever they stand. */
export const SELECTOR_EXAMPLES: Readonly<Record<string, Example>> = {
  jobId: { value: '5b3c6e1e-6d0f-4f0e-9a53-0b4f7d2c91aa' },
  queue: { value: ['adhoc', 'sandbox_*'] },
  owner: { value: '/^svc-/' },
  jobType: { value: ['QUERY', 'INSERT'] },
  status: { value: 'RUNNING' },
  tag: { value: 'team=bi' },
  name: { value: 'nightly-*', with: { engines: ['spark'] } },
  statement: { value: String.raw`/insert\s+overwrite/i` },
  database: { value: 'sales' },
  target: { value: 'lake-*' },
};

/**
 * An example of each key of a policy, by its place. The reference shows it, and a test reads each as part of a policy.
 *
 * @see scripts/policy-reference.ts
 */
export const POLICY_EXAMPLES: Readonly<Record<string, Example>> = {
  version: { value: 1 },
  mode: { value: 'live' },
  maxKills: { value: 5 },
  maxKillsPercent: { value: 20 },
  percentFloor: { value: 4 },
  drain: { value: true },
  tagExemptions: { value: { ceiling: '24h' } },
  rules: { value: [{ id: 'adhoc-2h', match: { queue: 'adhoc' }, maxRunTime: '2h' }] },
  exemptions: {
    value: [{ id: 'year-end', match: { owner: 'closing' }, reason: 'year end', owner: 'finance', until: '2027-01-10' }],
  },
  freezes: { value: [{ id: 'release', match: 'all', reason: 'release', from: '2026-12-05', until: '2026-12-06' }] },
  notices: { value: [{ to: 'owner', match: { queue: 'bi_*' }, route: 'bi' }] },

  'tagExemptions.ceiling': { value: '24h' },

  'rules.id': { value: 'adhoc-2h' },
  'rules.engines': { value: ['sql', 'spark'] },
  'rules.match': { value: { queue: 'adhoc', jobType: 'QUERY' } },
  'rules.ignore': { value: { owner: 'dashboards' } },
  'rules.maxRunTime': { value: '2h' },
  'rules.maxQueueTime': { value: '30m' },
  'rules.maxTotalTime': { value: '2h45m' },
  'rules.action': { value: 'warn' },
  'rules.keep': { value: { oldest: 3 }, with: { groupBy: 'owner' } },
  'rules.keep.oldest': { value: 1 },
  'rules.keep.youngest': { value: 1 },
  'rules.victims': { value: 'oldest' },
  'rules.groupBy': { value: 'owner', with: { minGroupSize: 3 } },
  'rules.minGroupSize': { value: 3, with: { groupBy: 'fingerprint' } },
  'rules.warnBefore': { value: '30m' },
  'rules.warnFirst': { value: true, with: { warnBefore: '30m' } },
  'rules.savepoint': { value: false, with: { engines: ['flink'] } },
  'rules.onSavepointFailure': { value: 'cancel', with: { engines: ['flink'] } },

  'exemptions.id': { value: 'year-end' },
  'exemptions.match': { value: { owner: 'closing', queue: 'finance_*' } },
  'exemptions.reason': { value: 'the year-end run takes two days' },
  'exemptions.owner': { value: 'finance-data' },
  'exemptions.from': { value: '2026-12-30' },
  'exemptions.until': { value: '2027-01-10T18:00:00+01:00' },

  'freezes.id': { value: 'month-end' },
  'freezes.match': { value: 'all' },
  'freezes.reason': { value: 'the books are closed' },
  'freezes.from': { value: '2026-12-05' },
  'freezes.until': { value: '2026-12-06' },
  'freezes.recurring': { value: { days: [-2, -1, 1], timeZone: 'Europe/Berlin' } },
  'freezes.recurring.days': { value: [-2, -1, 1] },
  'freezes.recurring.months': { value: [3, 6, 9, 12] },
  'freezes.recurring.timeZone': { value: 'Europe/Berlin' },

  'notices.to': { value: 'operators' },
  'notices.match': { value: { target: 'lake-*' } },
  'notices.route': { value: 'on-call' },
};
