// Grades recorded answers as Mozilla's HTTP Observatory does, without any network.
// Usage: node grade.mjs FOLDER < ANSWERS, where FOLDER is the installed grader. It does what
// `scan` in its src/scanner/index.js does, but with answers that were recorded.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const folder = join(process.argv[2], "@mdn", "mdn-http-observatory");
const load = (name) => import(pathToFileURL(join(folder, "src", name)));

// Which domains browsers know to be HTTPS only; the package would fetch it. None of ours is.
const preloaded = join(folder, "conf", "hsts-preload.json");
if (!existsSync(preloaded)) writeFileSync(preloaded, "{}");

const { ALL_TESTS } = await load("constants.js");
const { MINIMUM_SCORE_FOR_EXTRA_CREDIT } = await load("grader/charts.js");
const { getGradeForScore, getScoreModifier } = await load("grader/grader.js");
const { Requests } = await load("types.js");
const { parseHttpEquivHeaders } = await load("retriever/utils.js");
const axios = pathToFileURL(join(process.argv[2], "axios", "index.js"));
const { AxiosHeaders } = await import(axios);

const recorded = ({ headers, ...answer }, more) => ({
  ...answer,
  ...more,
  headers: new AxiosHeaders(headers),
  request: { headers: new AxiosHeaders() },
  verified: true,
});

function requests({ address, answer, preflight, route }) {
  const found = new Requests(new URL(address).hostname);
  const seen = recorded(answer, { httpEquiv: parseHttpEquivHeaders(answer.body, address) });
  found.resources.path = answer.body;
  found.session = { url: new URL(address) };
  found.responses.auto = seen;
  found.responses.https = seen;
  found.responses.http = seen;
  found.responses.cors = recorded(preflight);
  found.responses.httpRedirects = route.map(({ url, status }) => ({ url: new URL(url), status }));
  return found;
}

function graded(found) {
  const results = ALL_TESTS.map((test) => test(found));
  const modifiers = results.map(({ result }) => getScoreModifier(result));
  const sum = (numbers) => numbers.reduce((total, number) => total + number, 100);
  const plain = sum(modifiers.filter((modifier) => modifier < 0));
  const score = plain >= MINIMUM_SCORE_FOR_EXTRA_CREDIT ? sum(modifiers) : plain;
  return { ...getGradeForScore(score), results: results.map(({ result }) => result) };
}

const answers = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(graded(requests(answers))));
