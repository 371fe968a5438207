// Calculates values from the params of serverless.yml, which YAML cannot do. It also refuses by name each value that AWS would
// refuse only in the middle of a deploy.
const { isIPv4 } = require('node:net');
const cadenceOf = require('./cadence.cjs');
const rightsOf = require('./notice-rights.cjs');

/** The default of serverless.yml. A schedule replaces it. */
const USUAL_PERIOD_MINUTES = 15;
const DAY_SECONDS = 86_400;
const LONGEST_WATCH_SECONDS = 7 * DAY_SECONDS;
/** Lambda keeps an asynchronous invocation for at most six hours. */
const LONGEST_EVENT_AGE_SECONDS = 21_600;
/** A larger number would not be a ceiling. */
const MOST_KILLS = 100_000;
/** The form that lib/base/duration.ts reads: from the largest unit down, and short enough to be a number there. */
const DURATION = /^(?=\d)(\d{1,6}w)?(\d{1,6}d)?(\d{1,6}h)?(\d{1,6}m)?(\d{1,6}s)?$/;
/** The characters of a secret's name, and * for any; empty for no secret. */
const SECRETS = /^(?!\*+$)[A-Za-z0-9/_+=.@*-]{0,512}$/;
/** The ARN of an SNS topic, in any partition; empty for no topic. */
const TOPIC = /^(arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,256}(\.fifo)?)?$/;
/** The same, or the beginning of a name and *, for several topics of an account. */
const TOPICS = /^(arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[\w-]{1,255}(\*|[\w-])?)?$/;
/** An address without blanks and brackets, which would end it in a message; empty for none. */
const PAGE = /^(https:\/\/[^\s<>"]{1,500})?$/;

/** A mail address as lib/notify/mail-address.ts has it, without a place for the owner; empty for no sender. */
const MAIL =
  /^((?=.{1,64}@)[\w+-]+(\.[\w+-]+)*@(?=.{1,255}$)([a-z\d]([a-z\d-]{0,61}[a-z\d])?\.)+[a-z\d]([a-z\d-]{0,61}[a-z\d])?)?$/i;
/** The name of an event bus, or its ARN in any partition; empty for no events. */
const BUS = /^((arn:aws[a-z-]*:events:[a-z0-9-]+:\d{12}:event-bus\/)?[\w.-]{1,256})?$/;
/** The ARN of an IAM policy, of an account or of AWS, in any partition; empty for no boundary. */
const BOUNDARY = /^(arn:aws[a-z-]*:iam::(\d{12}|aws):policy\/[\w+=,.@/-]{1,512})?$/;
/** The ARN of a KMS key in any partition; empty for no key. CloudWatch Logs takes no alias. */
const KEY = /^(arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[a-z0-9-]{1,64})?$/;
/** The same pattern as in lib/settings/ssm.ts; a test compares the two. */
const STAGE = /^[A-Za-z0-9][A-Za-z0-9-]*$/;
/** The same name as in cli/source/rehearsal.ts, whose commands refuse a real stage of this name. */
const REHEARSAL = 'rehearsal';
/** @see https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html */
const LONGEST_FUNCTION_NAME = 64;

/** CloudWatch's metrics come minutes late, and a tick may come at any moment of its minute. */
const LATE_SECONDS = 600;
/** A sweep counts under the time of its tick, and is known only at its end. */
const LONGEST_SWEEP_SECONDS = 900;
/** The metrics of the small profile: those that its alarms read. A custom metric costs three times as much as an alarm. */
const SMALL_METRICS = ['TargetsSwept', 'PolicyException', 'SweepsFailed', 'SweepsStopped', 'SweepsCapped'];

module.exports = async ({ resolveVariable }) => {
  await assertStage(resolveVariable);
  const { param, wholeNumber, oneOf, matching } = createReaders(resolveVariable);
  const periodMinutes = await wholeNumber('periodMinutes', 1, 1_440);
  const isSmall = (await oneOf('profile', 'full', 'small')) === 'small';
  const lateSeconds = LATE_SECONDS + (isSmall ? LONGEST_SWEEP_SECONDS : 0);
  const cadence = await readCadence(param, lateSeconds);
  const periodSeconds = cadence.periodMs / 1_000;
  if (periodMinutes !== USUAL_PERIOD_MINUTES && periodMinutes * 60 !== periodSeconds) {
    throw new Error(
      `--param periodMinutes: leave it out; the schedule says how often it ticks, every ${periodSeconds / 60} minutes`,
    );
  }
  const alarmTopic = await matching('alarmTopic', TOPIC, 'the ARN of an SNS topic');
  const hasSecrets = (await matching('credentialSecrets', SECRETS, 'the name of a secret, such as dli/*')) !== '';
  const hasNetwork = (await readRange(param)) !== '';
  const hasTracing = (await oneOf('tracing', 'true', 'false')) === 'true';
  const hasNotices = (await oneOf('notices', 'on', 'off')) === 'on';
  const sendTo = {
    noticeTopics: await matching('noticeTopics', TOPICS, 'the ARN of an SNS topic, which may end in *'),
    mailFrom: await matching('mailFrom', MAIL, 'a mail address, such as reaper@example.com'),
    eventBus: await matching('eventBus', BUS, 'the name or the ARN of an event bus, such as default'),
  };
  for (const [name, value] of Object.entries(sendTo)) {
    if (value !== '' && !hasNotices) throw new Error(`--param ${name}: leave it out with notices=off`);
  }
  await matching('ownersPage', PAGE, 'an address that begins with https://');
  const notify = hasNotices ? await resolveVariable('file(./deploy/notify.yml)') : {};
  const maxConcurrency = await wholeNumber('maxConcurrency', 2, 1_000);
  const reserved =
    (await param('reservedConcurrency')) === '' ? null : await wholeNumber('reservedConcurrency', 1, 1_000);
  if (reserved !== null && reserved < maxConcurrency) {
    throw new Error(`--param reservedConcurrency: expected no less than maxConcurrency, which is ${maxConcurrency}`);
  }

  return {
    periodSeconds,
    // A text, since it becomes an environment variable.
    periodMinutes: String(periodSeconds / 60),
    eventAgeSeconds: Math.min(periodSeconds, LONGEST_EVENT_AGE_SECONDS),
    // A sweep by hand expires after 30 minutes, and its payload may leave out the time of the request.
    sweepEventAgeSeconds: Math.min(periodSeconds, 1_800),
    ...watchSilence(cadence, lateSeconds),
    isSmall,
    // Empty for all. A metric that is not written costs nothing.
    metrics: isSmall ? SMALL_METRICS.join(' ') : '',
    logLevel: await oneOf('logLevel', 'INFO', 'DEBUG'),
    logRetentionDays: await wholeNumber('logRetentionDays', 1, 3_653),
    maxConcurrency,
    reservedConcurrency: reserved,
    tracing: hasTracing,
    sweepEnvironment: {
      // The sweep works out earlier ticks from these two, also after a pause.
      SCHEDULE: String(await param('schedule')),
      SCHEDULE_TIME_ZONE: String(await param('timeZone')),
      REAPER_KILLS_PER_SWEEP: String(await wholeNumber('killsPerSweep', 0, MOST_KILLS)),
      REAPER_KILLS_PER_DAY: String(await wholeNumber('killsPerDay', 0, MOST_KILLS)),
      REAPER_SHORTEST_LIMIT: await matching('shortestLimit', DURATION, 'a duration with a unit, such as 15m or 1h30m'),
      REAPER_ALL_MAY_CANCEL: await oneOf('allMayCancel', 'true', 'false'),
      REAPER_EMERGENCY_KILLS: String(await wholeNumber('emergencyKills', 0, MOST_KILLS)),
      REAPER_EMERGENCY_KILLS_PER_DAY: String(await wholeNumber('emergencyKillsPerDay', 0, MOST_KILLS)),
    },
    permissionsBoundary: await matching('permissionsBoundary', BOUNDARY, 'the ARN of an IAM policy'),
    logKey: await matching('logKey', KEY, 'the ARN of a KMS key, not of an alias'),
    hasNotices,
    notifyFunction: notify.Function ?? null,
    alarmActions: alarmTopic === '' ? [] : [alarmTopic],
    vpc: hasNetwork ? { securityGroupIds: [{ Ref: 'SweepSecurityGroup' }], subnetIds: [{ Ref: 'SweepSubnet' }] } : null,
    dependsOn: hasNetwork ? ['SweepNetworkPolicy', 'SweepRoute'] : [],
    resources: merge(
      hasNetwork ? await resolveVariable('file(./deploy/network.yml)') : {},
      hasSecrets ? await resolveVariable('file(./deploy/secrets.yml)') : {},
      hasTracing ? await resolveVariable('file(./deploy/tracing.yml)') : {},
      notify,
      hasTracing ? (notify.Tracing ?? {}) : {},
      rightsOf(sendTo),
    ),
  };
};

/** Readers of a param. Each refuses a wrong form, and its error names the param. */
function createReaders(resolveVariable) {
  const param = (name) => resolveVariable(`param:${name}`);
  const refuse = (name, form) => new Error(`--param ${name}: expected ${form}`);
  return {
    param,
    wholeNumber: async (name, min, max) => {
      const value = Number(await param(name));
      if (Number.isInteger(value) && value >= min && value <= max) return value;
      throw refuse(name, `a whole number from ${min} to ${max}`);
    },
    oneOf: async (name, ...words) => {
      const value = String(await param(name));
      if (words.includes(value)) return value;
      throw refuse(name, words.join(' or '));
    },
    matching: async (name, pattern, form) => {
      const value = String(await param(name));
      if (pattern.test(value)) return value;
      throw refuse(name, form);
    },
  };
}

/** @throws {Error} for a stage that is too long for the longest function name. */
async function assertStage(resolveVariable) {
  const stage = String(await resolveVariable('self:provider.stage'));
  const longest = LONGEST_FUNCTION_NAME - `${await resolveVariable('self:service')}--dispatch`.length;
  if (stage === REHEARSAL)
    throw new Error('--stage: the stage rehearsal is for the emulator, and the commands refuse a real one');
  // The queue dead-sweeps of the stage prod would have the name of the queue sweeps of the stage prod-dead.
  if (/-dead$/i.test(stage))
    throw new Error('--stage: expected a name that does not end in -dead, as names of queues do');
  if (STAGE.test(stage) && stage.length <= longest) return;
  throw new Error(`--stage: expected at most ${longest} letters, digits and hyphens, and no hyphen first, such as dev`);
}

/**
 * The range of the VPC; empty for no VPC. AWS accepts a VPC of /16 to /28, and no subnet smaller than /28. network.yml makes
 * two subnets of it.
 *
 * @see https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html
 */
async function readRange(param) {
  const range = String(await param('vpcCidr'));
  const [address, size, ...more] = range.split('/');
  const isRange = isIPv4(address) && /^(1[6-9]|2[0-7])$/.test(size) && more.length === 0;
  if (range === '' || isRange) return range;
  throw new Error('--param vpcCidr: expected an IPv4 range from /16 to /27, such as 10.87.0.0/24');
}

/** @throws {Error} for a schedule that cannot be read, or that the alarms cannot watch. */
async function readCadence(param, lateSeconds) {
  const schedule = String(await param('schedule'));
  const refuse = (problem) => new Error(`--param schedule: ${schedule}: ${problem}`);
  let cadence;
  try {
    cadence = cadenceOf(schedule, String(await param('timeZone')));
  } catch (error) {
    throw refuse(error.message);
  }
  if (cadence.periodMs > DAY_SECONDS * 1_000) throw refuse('ticks less than once a day, which no alarm here can watch');
  if (silenceSeconds(cadence, lateSeconds) > LONGEST_WATCH_SECONDS) {
    const hours = Math.floor(cadence.longestPauseMs / 3_600_000);
    throw refuse(`pauses for ${hours} hours; an alarm can watch no longer than seven days, one period included`);
  }
  return cadence;
}

/** Time without a tick after which the alarm goes off: the longest pause of the schedule, and one period more. */
function silenceSeconds({ periodMs, longestPauseMs }, lateSeconds) {
  return (longestPauseMs + periodMs) / 1_000 + lateSeconds;
}

/**
 * "An alarm's total current evaluation period can be no longer than seven days. For alarms with a period of less than one
 * hour, the total evaluation period can't be longer than one day."
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
 */
function watchSilence(cadence, lateSeconds) {
  const seconds = silenceSeconds(cadence, lateSeconds);
  const silencePeriodSeconds = seconds > DAY_SECONDS ? 3_600 : 300;
  return { silencePeriodSeconds, silencePeriods: Math.ceil(seconds / silencePeriodSeconds) };
}

function merge(...templates) {
  const all = (key) => Object.assign({}, ...templates.map((template) => template[key]));
  return { Resources: all('Resources'), Outputs: all('Outputs') };
}
