// SPDX-License-Identifier: Apache-2.0
//
// JSON schemas by their titles, which is how the `type` of a message names its schema.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv } from "ajv";

const KINDS = ["jetstream/api/v1", "jetstream/advisory/v1", "jetstream/metric/v1"];
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[-+]\d\d:\d\d)$/;

/** Some alternatives do not exclude each other: several that match are as good as one. */
const isAmbiguity = (fault) => fault.keyword === "oneOf" && fault.params.passingSchemas?.length > 1;

/** Schemas whose error form cannot be met: it wants an error inside of the error. */
const WITHOUT_ERRORS = new Set(["io.nats.jetstream.api.v1.consumer_unpin_response"]);

/** Places where a schema contradicts what nats-server sends: a number that it calls a string. */
const MISTAKEN = new Set(["nak", "terminated"].map((name) => `io.nats.jetstream.advisory.v1.${name} /consumer_seq`));
const isMistake = (title, fault) => MISTAKEN.has(`${title} ${fault.instancePath}`);

/** A member that is required and not allowed: no value has it. */
const isContradiction = (schema, fault) => fault.keyword === "required" && fault.instancePath === "" &&
  schema.additionalProperties === false && !(fault.params.missingProperty in schema.properties);

class Schemas {
  constructor() {
    this.ajv = new Ajv({ strict: false, allErrors: true, formats: { "date-time": RFC3339 } });
    this.byTitle = new Map();
  }

  add(path) {
    const schema = JSON.parse(readFileSync(path, "utf8"));
    this.byTitle.set(schema.title, schema);
  }

  /** Throws with all that is wrong about the value. */
  check(title, value, where) {
    const schema = this.byTitle.get(title);
    assert.ok(schema, `${where}: no schema of the name ${title}`);
    if (value.error && WITHOUT_ERRORS.has(title)) return;
    const validate = this.ajv.getSchema(schema.$id) ?? this.ajv.compile(schema);
    const isMeant = (fault) => isAmbiguity(fault) || isMistake(title, fault) || isContradiction(schema, fault);
    if (validate(value) || validate.errors.every(isMeant)) return;
    const faults = validate.errors.map((fault) => `${fault.instancePath} ${fault.message} ${JSON.stringify(fault.params)}`);
    assert.fail(`${where} is not what ${title} says:\n${faults.join("\n")}\n${JSON.stringify(value)}`);
  }
}

/** Null where there are none. */
export function loadSchemas(folder) {
  const folders = KINDS.map((kind) => join(folder ?? "", kind)).filter((path) => folder && existsSync(path));
  if (!folders.length) return null;
  const schemas = new Schemas();
  for (const path of folders)
    for (const name of readdirSync(path).filter((file) => file.endsWith(".json"))) schemas.add(join(path, name));
  return schemas;
}
