// Adds reference token counts to a corpus, for scripts/calibrate_tokens.py and the tests' corpus.
//
//   npm install --prefix /tmp/tokens gpt-tokenizer@4 @anthropic-ai/tokenizer@0.0.4
//   NODE_PATH=/tmp/tokens/node_modules node scripts/count_reference_tokens.mjs corpus.jsonl > counted.jsonl
//
// In: lines of {"kind", "text"}. Out: the same with "cl100k" and "claude2", both token counts.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { encode } = require("gpt-tokenizer/encoding/cl100k_base");
const { getTokenizer } = require("@anthropic-ai/tokenizer");
const claude2 = getTokenizer();

for (const line of readFileSync(process.argv[2], "utf8").split("\n")) {
  if (!line) continue;
  const sample = JSON.parse(line);
  // An empty set: text that looks like a control token is text.
  sample.cl100k = encode(sample.text, { disallowedSpecial: new Set() }).length;
  sample.claude2 = claude2.encode(sample.text.normalize("NFKC"), "all").length;
  console.log(JSON.stringify(sample));
}
