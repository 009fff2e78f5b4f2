// Tests prove what this repository holds, its plugins and stand-ins, and ask nobody outside this machine.
process.env.DAYBREAK_UPSTREAM ??= "never";

/** @type {import("jest").Config} */
const shared = {
  testEnvironment: "node",
  transform: {
    "^.+\\.(ts|js|mjs)$": [
      "@swc/jest",
      { jsc: { target: "es2022", parser: { syntax: "typescript" } }, module: { type: "commonjs" } },
    ],
  },
  // Published as ES modules only.
  transformIgnorePatterns: ["/node_modules/(?!(@kubernetes|openid-client|oauth4webapi|jose)/)"],
};

module.exports = {
  // Each takes milliseconds to seconds; a machine that builds beside them may take ten times as long.
  testTimeout: 60_000,
  projects: [
    {
      ...shared,
      displayName: "unit",
      testMatch: ["<rootDir>/test/unit/**/*.test.ts"],
      // What no test here asks for, and each suite would load again: with the first two Pulumi turns functions into text,
      // the last are the 700 files of the Kubernetes client's types.
      moduleNameMapper: {
        "^(typescript|@npmcli/arborist)$": "<rootDir>/test/unit/not-loaded.ts",
        "^\\./gen/(index|models/ObjectSerializer)\\.js$": "<rootDir>/test/unit/not-loaded.ts",
      },
    },
    { ...shared, displayName: "engine", testMatch: ["<rootDir>/test/engine/**/*.test.ts"] },
    { ...shared, displayName: "lab", testMatch: ["<rootDir>/test/lab/**/*.test.ts"] },
  ],
};
