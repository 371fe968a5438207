import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { type Opened, unpack } from '../../cli/report/packed.ts';

/** Opens the data of a page that `report` wrote, as the page itself does in a browser. */
export function pageContentOf(path: string): Opened {
  const [, data = ''] = /id="data">([^<]*)</.exec(readFileSync(path, 'utf8')) ?? [];
  return unpack(gunzipSync(Buffer.from(data, 'base64')).toString());
}
