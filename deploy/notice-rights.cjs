// What notify may send to: only what a param names. An empty param gives no right.
module.exports = ({ noticeTopics, mailFrom, eventBus }) => ({
  Resources: {
    ...policy('Topics', noticeTopics, {
      Sid: 'PublishMessages',
      Action: 'sns:Publish',
      Resource: noticeTopics,
    }),
    // SES knows the sender by its address or by its domain, whichever is verified.
    ...policy('Mail', mailFrom, {
      Sid: 'SendMail',
      Action: 'ses:SendEmail',
      Resource: [mailFrom, mailFrom.split('@')[1]].map((name) => inThisRegion('ses', `identity/${name}`)),
      Condition: { StringEquals: { 'ses:FromAddress': mailFrom } },
    }),
    ...policy('Events', eventBus, {
      Sid: 'PutEvents',
      Action: 'events:PutEvents',
      Resource: eventBus.startsWith('arn:') ? eventBus : inThisRegion('events', `event-bus/${eventBus}`),
    }),
  },
});

const inThisRegion = (service, resource) => ({
  'Fn::Sub': `arn:\${AWS::Partition}:${service}:\${AWS::Region}:\${AWS::AccountId}:${resource}`,
});

const policy = (name, param, statement) =>
  param === ''
    ? {}
    : {
        [`Notice${name}Policy`]: {
          Type: 'AWS::IAM::Policy',
          Properties: {
            PolicyName: `notice-${name.toLowerCase()}`,
            Roles: [{ Ref: 'NotifyRole' }],
            PolicyDocument: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...statement }] },
          },
        },
      };
