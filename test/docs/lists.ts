/** The jobs that the emulator of a page has, where they matter. */
export const WORLDS: Readonly<Record<string, string>> = {
  'docs/limits.md': '--world month --jobs 500',
};

const SWEEP = 'dli-reaper sweep --stage rehearsal --target lake';

/** What a page takes for done: commands that make the files that it names. */
export const BEFORE: Readonly<Record<string, string[]>> = {
  'docs/emergency.md': [`echo '{"askedAt": "NOW"}' > payload.json`],
  'docs/notices.md': [`${SWEEP} --verbose 2> lines.txt`],
  'docs/runbook.md': [
    'sed s/2h/3h/ policy.yml > bad.yml',
    'dli-reaper policy push bad.yml --over-version 1 --stage rehearsal --confirm rehearsal',
  ],
  'docs/start.md': ['rm policy.yml'],
  'docs/report.md': [
    `${SWEEP} --json > sweeps.jsonl`,
    'dli-reaper backtest --stage rehearsal --target lake --policy policy.yml --json > backtest.json',
    'mkdir export && cp sweeps.jsonl export && cp sweeps.jsonl sweep.json',
  ],
};

/** The files that a page says to write, where their text is on the page: how it begins. */
export const FILES: Readonly<Record<string, Record<string, string>>> = {
  'docs/notices.md': { 'queue.json': '{"Policy"', 'message.json': '{"msg"' },
};

interface First {
  /** The beginning of the command. */
  command: string;
  run: string;
}

/** What is run right before a command of aws, since the page takes it for done. */
export const FIRST: readonly First[] = [
  {
    command: 'aws ssm put-parameter --overwrite --name /dli-reaper/prod/credentials/reaper',
    // The page has deleted the key before.
    run:
      'aws kms create-alias --alias-name alias/dli-reaper-prod-credentials ' +
      '--target-key-id $(aws kms create-key --query KeyMetadata.KeyId --output text) && ' +
      `echo '{"accessKeyId": "a", "secretAccessKey": "b"}' > credentials.json`,
  },
  {
    command: 'aws ssm put-parameter --name /dli-reaper/prod/notices/routes/slack',
    run: `echo '{"to": "operators", "webhook": "https://example.com/"}' > route.json`,
  },
  { command: 'aws logs create-export-task', run: 'aws s3 mb s3://my-bucket' },
];

interface NotRun {
  /** Which commands. */
  command: RegExp;
  /** Only those of this page. */
  page?: string;
  because: string;
  /** The test that shows what it does, if there is one. */
  shownBy?: string;
}

/** The commands that are not run by test/docs/commands.test.ts. */
export const NOT_RUN: readonly NotRun[] = [
  {
    command: /^npm ci(?! && npm (start|test))/,
    because: 'installs the packages',
    shownBy: 'test/aws/first-steps.test.ts',
  },
  { command: /^(npm ci && )?npm start/, because: 'is the demo', shownBy: 'test/cli/emulator/demo.test.ts' },
  { command: /^npm ci && npm test/, because: 'is all tests' },
  { command: /^export .*=…/, because: 'the keys are those of the reader' },
  {
    command: /^npx -y -p \.\/dli-job-reaper-\S+\.tgz /,
    because: 'needs the package',
    shownBy: 'test/package.test.ts',
  },
  {
    command: /^npx dli-reaper init --stage prod /,
    because: 'the rehearsal takes no other project',
    shownBy: 'test/aws/first-steps.test.ts',
  },
  {
    command: /^npx dli-reaper policy push policy\.yml --stage prod$/,
    page: 'docs/deploy.md',
    because: 'is for a policy that init has made',
    shownBy: 'test/aws/first-steps.test.ts',
  },
  { command: /^npm run deploy -- --stage prod$/, because: 'deploys', shownBy: 'test/aws/first-steps.test.ts' },
  { command: /^npm run deploy -- .*--param mailFrom=/, because: 'deploys', shownBy: 'test/aws/template.test.ts' },
  { command: /^npm run deploy -- .*--region /, because: 'deploys', shownBy: 'test/aws/life.test.ts' },
  { command: /^git pull && npm ci && npm run deploy/, because: 'deploys', shownBy: 'test/aws/life.test.ts' },
  { command: /^npx serverless (deploy list|rollback|remove) /, because: 'deploys', shownBy: 'test/aws/life.test.ts' },
  { command: /npx serverless invoke /, because: 'needs a deployed stage', shownBy: 'test/aws/invoke.test.ts' },
  {
    command: /^(AWS_MAX_ATTEMPTS=1 )?aws lambda invoke /,
    because: 'has a flag of version 2 of the AWS CLI only; the payload is what counts',
    shownBy: 'test/aws/invoke.test.ts',
  },
  { command: /^export AWS_REGION=/, because: 'the rehearsal is in no other region' },
  {
    command: /^aws sqs create-queue /,
    because: 'version 1 of the AWS CLI takes no other address for it',
    shownBy: 'test/aws/notify.test.ts',
  },
  {
    command: /^npx dli-reaper drill/,
    because: 'waits for the responses of a person in another terminal',
    shownBy: 'test/cli/drill/drill.test.ts',
  },
  { command: /^cd release$/, because: 'needs the release', shownBy: 'test/aws/release.test.ts' },
  {
    command: /^(KEY=\$\()?aws (cloudformation|kms describe-key .*KeyMetadata\.Arn)/,
    because: 'deploys',
    shownBy: 'test/aws/release.test.ts',
  },
  {
    command: /^aws ssm put-parameter .*\/switch /,
    because: 'needs the AWS CLI',
    shownBy: 'test/aws/release.test.ts',
  },
  { command: /^aws cloudtrail /, because: 'moto_server has no such call' },
  { command: /^aws logs tail /, because: 'is in version 2 of the AWS CLI only' },
];

interface EndsWith {
  /** Which commands. */
  command: RegExp;
  code: number;
  because: string;
}

/** The commands that end with another exit code than 0. */
export const ENDS_WITH: readonly EndsWith[] = [
  {
    command: /^dli-reaper emergency .*--queue adhoc /,
    code: 4,
    because: 'two jobs of the emulator have no start, and cannot be judged',
  },
  {
    command: /^npx dli-reaper sweep --stage rehearsal --target lake --remote --no-dry-run$/,
    code: 5,
    because: 'the page says that it is capped',
  },
];
