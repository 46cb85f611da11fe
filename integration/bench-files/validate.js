// SPDX-License-Identifier: Apache-2.0
// validate.js JOB.json [MS]: compiled ajv with the schema parts of the job. Prints {"valid"}, with MS
// also ns of one validation, and with parsing by JSON.parse or js-yaml in front.
'use strict';
const fs = require('fs');
const path = require('path');
const job = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const fromCache = (name) => require(path.join(job.modules, 'node_modules', name));
const Ajv = fromCache('ajv/dist/2020').default;
const yaml = fromCache('js-yaml');

// keywords of ours are unknown to it: not strict; the first fault ends a validation (its default)
const ajv = new Ajv({ strict: false, logger: false, unicodeRegExp: false });
for (const [name, regex] of Object.entries(job.formats)) ajv.addFormat(name, new RegExp(regex));
const validators = job.parts.map((p) => ajv.compile(p));

function valid(tree) {
  let ok = true;
  for (const v of validators) if (!v(tree)) ok = false;
  return ok;
}

function fromYaml(text) {
  const tree = yaml.load(text);
  for (const s of ['workload', 'env']) if (typeof tree[s] === 'string') tree[s] = yaml.load(tree[s]);
  return tree;
}

function measure(fn, ms) {
  const end = process.hrtime.bigint() + BigInt(ms) * 1000000n;
  const half = process.hrtime.bigint() + BigInt(ms) * 500000n;
  while (process.hrtime.bigint() < half) fn(); // its compiler gets half of the time to warm up
  let per = 1;
  let t = process.hrtime.bigint();
  fn();
  per = Math.max(1, Math.floor(5e6 / Number(process.hrtime.bigint() - t)));
  const ns = [];
  do {
    t = process.hrtime.bigint();
    for (let i = 0; i < per; i++) fn();
    ns.push(Number(process.hrtime.bigint() - t) / per);
  } while (ns.length < 3 || process.hrtime.bigint() < end);
  ns.sort((a, b) => a - b);
  return Math.round(ns[ns.length >> 1]);
}

const jsonText = fs.readFileSync(job.tree, 'utf8');
const yamlText = fs.readFileSync(job.contract, 'utf8');
const tree = JSON.parse(jsonText);
const result = { valid: valid(tree) };
const ms = Number(process.argv[3] || 0);
if (ms) {
  result.parts = measure(() => valid(tree), ms);
  result.json = measure(() => valid(JSON.parse(jsonText)), ms);
  result.yaml = measure(() => valid(fromYaml(yamlText)), ms);
}
console.log(JSON.stringify(result));
