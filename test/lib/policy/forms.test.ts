import { describe, expect, it } from 'vitest';
import { type TextKey, whyForeign, whyNever } from '../../../lib/policy/forms.ts';
import { jobId } from '../../helpers/world.ts';

const QUEUE = 'no queue has such a name: DLI keeps them in lower-case letters, digits and _';
const SLASH = 'begins with / and is no pattern; a pattern is written /…/, or /…/i for any case, with nothing behind it';
const BLANK = 'begins or ends with a blank, and no job has that; write it without';
const VARIABLE = 'holds a variable that was not filled in';
const LOST = 'holds U+FFFD, which stands for a character that got lost; write it anew';
const EXACT = 'tags are compared as they are, without patterns';
const BESIDE = 'has a blank beside the key or the value, and no tag has that';
const JOB_ID = "expected the id of a job: 8-4-4-4-12 hexadecimal digits, or a Flink job's number";

describe('whyNever', () => {
  it.each<[TextKey, string, string]>([
    ['queue', 'finance,closing', `${QUEUE}; write [finance, closing]`],
    ['queue', 'finance | closing', `${QUEUE}; write [finance, closing]`],
    ['queue', 'a;b', `${QUEUE}; write [a, b]`],
    ['queue', '^finance', `${QUEUE}; write finance*`],
    ['queue', 'finance$', `${QUEUE}; write *finance`],
    ['queue', '^finance$', `${QUEUE}; write finance`],
    ['queue', '%finance%', `${QUEUE}; write *finance*`],
    ['queue', 'bi.*', `${QUEUE}; write bi*`],
    ['queue', 'Finance', `${QUEUE}; write finance`],
    ['queue', '(?i)Finance', `${QUEUE}; write finance`],
    ['queue', 'finance ', `${QUEUE}; write finance`],
    ['queue', 'fin-ance', QUEUE],
    ['queue', 'a,b-c', QUEUE],
    ['queue', 'größe', QUEUE],
    ['queue', 'finance\u200b', QUEUE],
    ['queue', 'fin\ufffdnce', LOST],
    ['queue', '/prod_.*/g', SLASH],
    ['queue', '\u0024{QUEUE}', VARIABLE],
    ['owner', '/ana', SLASH],
    ['owner', '/ana/x', SLASH],
    ['owner', '/* ana', SLASH],
    ['statement', '/keep /*', SLASH],
    ['owner', ' /ana/i', SLASH],
    ['owner', '/ana/i ', SLASH],
    ['owner', ' ana', BLANK],
    ['owner', 'ana ', BLANK],
    ['owner', '\u0024{SVC_USER}', VARIABLE],
    ['owner', 'svc_\u0024{ENV.name-1}', VARIABLE],
    ['owner', '/^\u0024{SVC_USER}$/', VARIABLE],
    ['owner', '{{ user }}', VARIABLE],
    ['owner', 'an\u200ba', 'holds U+200B, a character that cannot be seen; write it without'],
    ['owner', 'ana\n', 'holds U+000A, a character that cannot be seen; write it without'],
    ['owner', '\ufeffana', 'holds U+FEFF, a character that cannot be seen; write it without'],
    ['owner', '/an\u00ada/', 'holds U+00AD, a character that cannot be seen; write it without'],
    ['owner', 'an\ufffd', LOST],
    ['owner', '/an\ufffd/', LOST],
    ['name', 'job ', BLANK],
    ['name', '/job', SLASH],
    ['name', 'job\u2060', 'holds U+2060, a character that cannot be seen; write it without'],
    ['database', ' lake', BLANK],
    ['database', '\u0024{DB}', VARIABLE],
    ['statement', '/keep me/im', SLASH],
    ['statement', '/keep me/i ', SLASH],
    ['statement', ' /keep me/', SLASH],
    ['statement', '/\u0024{DB}/', VARIABLE],
    ['statement', '*\ufffd*', LOST],
    ['tag', 'keep = true', `${BESIDE}; write keep=true`],
    ['tag', 'keep =true', `${BESIDE}; write keep=true`],
    ['tag', 'keep= true', `${BESIDE}; write keep=true`],
    ['tag', ' keep', `${BESIDE}; write keep`],
    ['tag', 'keep=*', `${EXACT}; write keep for any value`],
    ['tag', 'keep=tr?e', `${EXACT}; write keep for any value`],
    ['tag', 'keep*', `${EXACT}; name the key`],
    ['tag', 'k?ep=true', `${EXACT}; name the key`],
    ['tag', '/keep', `${EXACT}; name the key`],
    ['tag', '/keep/', `${EXACT}; name the key`],
    ['tag', '=true', 'expected the key of a tag before the ='],
    ['tag', 'keep=%x', 'no tag has % in it'],
    ['tag', 'k"eep', 'no tag has " in it'],
    ['tag', 'keep=\u0024{KEEP}', VARIABLE],
    ['tag', 'keep=a\u200b', 'holds U+200B, a character that cannot be seen; write it without'],
    ['tag', 'keep=\ufffd', LOST],
    ['jobId', jobId(1).slice(0, 8), JOB_ID],
    ['jobId', `${jobId(1)} `, JOB_ID],
    ['jobId', `${jobId(1).slice(0, 8)}-*`, JOB_ID],
    ['jobId', `https://console.example/${jobId(1)}`, JOB_ID],
    ['jobId', '0146', JOB_ID],
  ])('says of the %s %j: %s', (key, text, why) => {
    expect(whyNever(text, key)).toBe(why);
  });

  it.each<[TextKey, string]>([
    ['queue', 'finance_2'],
    ['queue', 'fin*_?'],
    ['queue', '/^Prod-.* $/i'],
    ['owner', 'Ana Maria.o-x_1@corp'],
    ['owner', 'an?*'],
    ['owner', '/^ana /'],
    ['owner', '^ana|bo'],
    ['owner', 'josé'],
    ['owner', '/\\\u0024{x}/'],
    ['owner', 'a/b'],
    ['name', 'Report (daily), part 1'],
    ['statement', '/* keep */*'],
    ['statement', ' /* keep */*'],
    ['statement', 'select 1 '],
    ['statement', 'select *\nfrom t'],
    ['statement', '*\u0024{db}*'],
    ['statement', '*{{x}}*'],
    ['statement', '/{{x}}/'],
    ['statement', '/[\u0024{}]/'],
    ['statement', '/\\\u0024{db}/'],
    ['statement', '/a$/'],
    ['tag', 'keep'],
    ['tag', 'keep='],
    ['tag', 'team=Größe 1_.:+-@/,'],
    ['tag', 'jose\u0301=1'],
    ['tag', 'a=b=c'],
    ['tag', 'reaper/ttl=4h'],
    ['jobId', jobId(1)],
    ['jobId', jobId(0xab).toUpperCase()],
    ['jobId', '146'],
  ])('finds nothing wrong with the %s %j', (key, text) => {
    expect(whyNever(text, key)).toBeUndefined();
  });
});

describe('whyForeign', () => {
  const ANCHOR = '^ and $ are plain characters in a glob';
  const GLOB = 'is a glob, and no pattern';
  const PERCENT = '% is a plain character';

  it.each<[TextKey, string, string]>([
    ['queue', '/Prod/', 'DLI keeps the names of queues in lower case; write /Prod/i'],
    ['queue', '/\\Dx[A-F]/', 'DLI keeps the names of queues in lower case; write /\\Dx[A-F]/i'],
    ['owner', '(?i)CLOSING', '(?…) is no flag here; write /CLOSING/i'],
    ['owner', '(?im)a(?i)', '(?…) is no flag here; write /a(?i)/i'],
    ['owner', "'ana'", 'the quotes are a part of the value; write ana'],
    ['owner', '"a\nb"', 'the quotes are a part of the value; write a\nb'],
    ['owner', 'regex:an.*', 'regex: is a part of the value; write /an.*/'],
    ['owner', 'Re:an:x', 'Re: is a part of the value; write /an:x/'],
    ['owner', 'glob:an*', 'glob: is a part of the value; write an*'],
    ['owner', 'contains:an\na', 'contains: is a part of the value; write an\na'],
    ['owner', '^ana', `${ANCHOR}; write /^ana/`],
    ['owner', 'ana$', `${ANCHOR}; write /ana$/`],
    ['owner', '^ana|bo$', `${ANCHOR}; write /^ana|bo$/`],
    ['owner', 'an\\w', `${GLOB}; write /an\\w/`],
    ['owner', '.*ana', `${GLOB}; write /.*ana/`],
    ['owner', '.+ana', `${GLOB}; write /.+ana/`],
    ['owner', '[ab]na', `${GLOB}; write /[ab]na/`],
    ['owner', 'x(ana|bo)', `${GLOB}; write /x(ana|bo)/`],
    ['owner', '(ana)+', `${GLOB}; write /(ana)+/`],
    ['owner', 'ana, bo', 'is one value, and no list; write [ana, bo]'],
    ['owner', 'ana|bo ; cy', 'is one value, and no list; write [ana, bo, cy]'],
    ['owner', '%an%a%', `${PERCENT}; write *an*a*`],
    ['owner', '!ana', '! is a plain character, and negates nothing; use match and ignore'],
    ['name', 'a|b', 'is one value, and no list; write [a, b]'],
    ['database', 'lake%', `${PERCENT}; write lake*`],
    ['statement', '(?i)select', '(?…) is no flag here; write /select/i'],
    ['statement', 'regex:select', 'regex: is a part of the value; write /select/'],
    ['statement', '^select', `${ANCHOR}; write /^select/`],
    ['statement', "%like '%x'%", `${PERCENT}; write *like '%x'*`],
    ['statement', 'select%', `${PERCENT}; write select*`],
    ['statement', 'select ', 'a blank at its beginning or end is a part of the value'],
    ['statement', ' select', 'a blank at its beginning or end is a part of the value'],
    ['tag', 'keep:true', 'is the key of a tag; a tag with its value is written keep=true'],
    ['tag', 'keep==true', 'the second = is a part of the value; write keep=true'],
    ['tag', 'keep=True', 'case matters; write keep=true if the tag reads so'],
    ['tag', 'keep=False', 'case matters; write keep=false if the tag reads so'],
    ['tag', 'Keep=None', 'case matters; write Keep=none if the tag reads so'],
  ])('says of the %s %j: %s', (key, text, why) => {
    expect(whyForeign(text, key)).toBe(why);
  });

  it.each<[TextKey, string]>([
    ['queue', 'adhoc_*'],
    ['queue', '/prod/'],
    ['queue', '/Prod/i'],
    ['queue', '/\\D\\W\\S\\B/'],
    ['owner', 'svc.*'],
    ['owner', 'x(y)'],
    ['owner', 'x[]'],
    ['owner', 'a^b$c'],
    ['owner', 'x(?i)'],
    ['owner', 'ana!'],
    ['owner', 'more:x'],
    ['owner', "'ana"],
    ['owner', '"ana\''],
    ['owner', '/^(?:a|b),%[x]\\d$/'],
    ['owner', '/a%/'],
    ['statement', 'select a || b, c from [d]'],
    ['statement', "select '%x%'"],
    ['statement', '/%x%/'],
    ['statement', '!x'],
    ['tag', 'keep'],
    ['tag', 'keep=true'],
    ['tag', 'keep=a:b'],
    ['tag', 'reaper:ttl'],
    ['tag', 'keep:'],
    ['tag', 'keep:a=b'],
    ['tag', ':keep'],
    ['tag', 'keep=Trueish'],
    ['tag', 'keep=truE'],
    ['jobId', jobId(1)],
  ])('finds nothing odd in the %s %j', (key, text) => {
    expect(whyForeign(text, key)).toBeUndefined();
  });
});
