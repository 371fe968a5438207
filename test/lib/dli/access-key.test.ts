import { describe, expect, it } from 'vitest';
import { iamEndpointBeside, readKeyCreation } from '../../../lib/dli/access-key.ts';
import { makeWorld, NOW } from '../../helpers/world.ts';

describe('iamEndpointBeside', () => {
  it.each([
    { dli: 'https://dli.eu-west-101.myhuaweicloud.eu', iam: 'https://iam.eu-west-101.myhuaweicloud.eu/' },
    { dli: 'https://dli.eu-de.otc.t-systems.com', iam: 'https://iam.eu-de.otc.t-systems.com/' },
    { dli: 'http://127.0.0.1:8080', iam: 'http://127.0.0.1:8080/' },
    { dli: 'https://proxy.example.com', iam: undefined },
  ])('is $iam for $dli', ({ dli, iam }) => {
    expect(iamEndpointBeside(new URL(dli))?.href).toBe(iam);
  });
});

describe('readKeyCreation', () => {
  const keysMadeAt = NOW - 1_234;

  it('reads when a key was made, signed with that key', async () => {
    const { emulator, clock } = await makeWorld({ jobs: [], keysMadeAt });
    const { url, accessKeyId, secretAccessKey } = emulator.connection;

    const iamEndpoint = new URL(url);
    expect(await readKeyCreation({ accessKeyId, secretAccessKey }, { iamEndpoint, clock })).toBe(keysMadeAt);
  });

  it('throws what IAM refuses, without the key in it', async () => {
    const { emulator, clock } = await makeWorld({ jobs: [], keysMadeAt });
    const { url, accessKeyId } = emulator.connection;
    const iamEndpoint = new URL(url);

    const asked = readKeyCreation({ accessKeyId, secretAccessKey: 'another' }, { iamEndpoint, clock });

    await expect(asked).rejects.toThrow(/^ask IAM about the access key: 401 APIGW\.0301 the signature is wrong$/);
  });
});
