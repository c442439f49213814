// The page's script tells durations and distances in time as the server does: both are held to one list.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { ago, elapsed } from '../../dashboard/assets/src/js/spans.js';
import { root } from './nexus.mjs';

const cases = JSON.parse(await readFile(join(root, 'dashboard/src/view/format/spans.json'), 'utf8'));

test('distances tell the smaller unit beside few of the larger', () => {
  for (const [seconds, text] of cases.ago) assert.equal(ago(seconds), text, `${seconds} s`);
});

test('what is counted on keeps its tenths', () => {
  for (const [ms, text] of cases.elapsed) assert.equal(elapsed(ms), text, `${ms} ms`);
});
