// What the params of serverless.yml come to, where YAML can neither calculate nor leave out. A value that would only be
// refused by AWS in the middle of a deploy is refused here, by its name.
module.exports = async ({ resolveVariable }) => {
  const param = (name) => resolveVariable(`param:${name}`);
  const wholeNumber = async (name, min, max) => {
    const value = Number(await param(name));
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    throw new Error(`--param ${name}: expected a whole number from ${min} to ${max}`);
  };
  const oneOf = async (name, ...words) => {
    const value = String(await param(name));
    if (words.includes(value)) return value;
    throw new Error(`--param ${name}: expected ${words.join(' or ')}`);
  };

  // Lambda drops what is older than six hours at the most, and three periods of an alarm must not exceed a day.
  const periodMinutes = await wholeNumber('periodMinutes', 1, 360);
  const alarmTopic = String(await param('alarmTopic'));
  const hasNetwork = (await param('vpcCidr')) !== '';
  const hasTracing = (await oneOf('tracing', 'true', 'false')) === 'true';
  const reserved =
    (await param('reservedConcurrency')) === '' ? null : await wholeNumber('reservedConcurrency', 1, 1_000);

  return {
    periodSeconds: periodMinutes * 60,
    // A sweep by hand is good for 30 minutes, and need not say when it was asked for.
    sweepEventAgeSeconds: Math.min(periodMinutes, 30) * 60,
    logLevel: await oneOf('logLevel', 'INFO', 'DEBUG'),
    logRetentionDays: await wholeNumber('logRetentionDays', 1, 3_653),
    maxConcurrency: await wholeNumber('maxConcurrency', 2, 1_000),
    reservedConcurrency: reserved,
    tracing: hasTracing,
    alarmActions: alarmTopic === '' ? [] : [alarmTopic],
    vpc: hasNetwork ? { securityGroupIds: [{ Ref: 'SweepSecurityGroup' }], subnetIds: [{ Ref: 'SweepSubnet' }] } : null,
    dependsOn: hasNetwork ? ['SweepNetworkPolicy', 'SweepRoute'] : [],
    resources: merge(
      hasNetwork ? await resolveVariable('file(./deploy/network.yml)') : {},
      hasTracing ? await resolveVariable('file(./deploy/tracing.yml)') : {},
    ),
  };
};

function merge(...templates) {
  const all = (key) => Object.assign({}, ...templates.map((template) => template[key]));
  return { Resources: all('Resources'), Outputs: all('Outputs') };
}
