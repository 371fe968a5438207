import { describe, expect, it } from 'vitest';
import { refusal, startApi } from '../../helpers/emulated-api.ts';
import { MINUTE, NOW } from '../../helpers/world.ts';

async function startPackages() {
  const { call, pass } = await startApi();
  return {
    call,
    pass,
    upload: (body: object, path = '') => call('POST', `/v2.0/resources${path}`, { body }),
    list: (...query: [name: string, value: string][]) => call('GET', '/v2.0/resources', { query }),
    show: (name: string, group?: string) =>
      call('GET', `/v2.0/resources/${name}`, { query: group === undefined ? [] : [['group', group]] }),
    erase: (name: string, group?: string) =>
      call('DELETE', `/v2.0/resources/${name}`, { query: group === undefined ? [] : [['group', group]] }),
    hand: (body: object) => call('PUT', '/v2.0/resources/owner', { body }),
  };
}

const FILES = { paths: ['https://test.obs.xxx.com/test_dli.jar', 'obs://bucket/dli_tf.py'], group: 'gatk' };

describe('uploading packages', () => {
  it.each([
    { path: '/files', kind: 'file' },
    { path: '/jars', kind: 'jar' },
    { path: '/pyfiles', kind: 'pyFile' },
    { path: '', kind: 'modelFile' },
  ])('names them by their paths, as $kind', async ({ path, kind }) => {
    const { upload, show } = await startPackages();

    expect(await upload(path === '' ? { ...FILES, kind } : FILES, path)).toMatchObject({
      status: 201,
      body: {
        group_name: 'gatk',
        status: 'READY',
        resources: ['test_dli.jar', 'dli_tf.py'],
        details: [{ resource_type: kind, resource_name: 'test_dli.jar', create_time: NOW }, {}],
        is_async: false,
      },
    });
    expect((await show('dli_tf.py', 'gatk')).body).toMatchObject({ resource_type: kind, status: 'READY' });
    expect(await show('dli_tf.py')).toMatchObject(refusal('DLI.0002'));
  });

  it('replaces a package of the same name and group, and keeps when it first came', async () => {
    const { upload, list, pass } = await startPackages();
    await upload(FILES, '/files');
    pass(MINUTE);

    await upload({ ...FILES, paths: ['obs://other/dli_tf.py'] }, '/files');

    expect((await list()).body).toMatchObject({ total: 2, groups: [{ create_time: NOW, update_time: NOW + MINUTE }] });
  });

  it.each([
    { name: 'no paths', body: { kind: 'jar', paths: [] } },
    { name: 'a path without a name', body: { kind: 'jar', paths: ['obs://bucket/'] } },
    { name: 'an unknown kind', body: { kind: 'zip', paths: ['obs://bucket/a'] } },
  ])('is refused with $name', async ({ body }) => {
    const { upload } = await startPackages();

    expect(await upload(body)).toMatchObject(refusal('DLI.0001'));
  });
});

describe('the list of packages', () => {
  it('has groups, and packages without one, of the kind asked for', async () => {
    const { upload, list } = await startPackages();
    await upload(FILES, '/files');
    await upload({ paths: ['obs://bucket/a.jar'], kind: 'jar' });

    expect((await list()).body).toMatchObject({
      total: 3,
      resources: [{ resource_name: 'a.jar' }],
      groups: [{ group_name: 'gatk', resources: ['test_dli.jar', 'dli_tf.py'] }],
      modules: [],
    });
    expect((await list(['kind', 'jar'])).body).toMatchObject({ total: 1, groups: [] });
    expect(await list(['kind', 'zip'])).toMatchObject(refusal('DLI.0001'));
  });
});

describe('one package', () => {
  it('gets another owner, alone or with its group', async () => {
    const { upload, hand, list } = await startPackages();
    await upload(FILES, '/files');

    await hand({ new_owner: 'bogdan', group_name: 'gatk' });
    await hand({ new_owner: 'scuser1', group_name: 'gatk', resource_name: 'dli_tf.py' });

    expect((await list()).body).toMatchObject({ groups: [{ details: [{ owner: 'bogdan' }, { owner: 'scuser1' }] }] });
    expect(await hand({ new_owner: 'scuser1', group_name: 'other' })).toMatchObject(refusal('DLI.0002'));
    expect(await hand({ new_owner: '1abcd', group_name: 'gatk' })).toMatchObject(refusal('DLI.0001'));
  });

  it('is gone after its deletion, and 404 if it is not there', async () => {
    const { upload, erase, list } = await startPackages();
    await upload(FILES, '/files');

    expect(await erase('dli_tf.py', 'gatk')).toEqual({ status: 200, body: {} });
    expect(await erase('dli_tf.py', 'gatk')).toMatchObject(refusal('DLI.0023', 404));
    expect((await list()).body).toMatchObject({ total: 1 });
  });
});
