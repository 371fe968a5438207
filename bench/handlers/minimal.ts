import middy from '@middy/core';
import ssm from '@middy/ssm';

/** The least that a function on middy and Parameter Store can be: what the start of ours is measured against. */
export const handler = middy()
  .use(ssm({ fetchData: { value: '/bench/value' }, cacheExpiry: 0, setToContext: true }))
  .handler(async () => 'done');
