// Every FHIR resource of a file of lines (one JSON resource each), validated by the package `fhir` (R4). One line of JSON out for each.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const { Fhir } = createRequire(import.meta.url)("fhir");
const fhir = new Fhir();
for (const line of readFileSync(process.argv[2], "utf8").split("\n")) {
  if (!line) continue;
  const resource = JSON.parse(line);
  const found = fhir.validate(resource, { errorOnUnexpected: true });
  console.log(JSON.stringify({ kind: resource.resourceType, valid: found.valid, messages: found.messages }));
}
