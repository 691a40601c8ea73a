// Compiles the standard JSON input on stdin with the solc of a folder of npm packages, where it
// also finds what the sources import: node compile.cjs <node_modules> < input.json > output.json
"use strict";
const { readFileSync } = require("node:fs");
const { join } = require("node:path");

const packages = process.argv[2];
const solc = require(join(packages, "solc"));

function findImport(name) {
  try {
    return { contents: readFileSync(join(packages, name), "utf8") };
  } catch (error) {
    return { error: error.message };
  }
}

process.stdout.write(solc.compile(readFileSync(0, "utf8"), { import: findImport }));
