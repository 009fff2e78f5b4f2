/** @type {import("jest").Config} */
const shared = {
  testEnvironment: "node",
  transform: {
    "^.+\\.(ts|js|mjs)$": [
      "@swc/jest",
      { jsc: { target: "es2022", parser: { syntax: "typescript" } }, module: { type: "commonjs" } },
    ],
  },
  // execa, listr2 and their dependencies are published as ES modules only.
  transformIgnorePatterns: [
    "/node_modules/(?!(execa|listr2|@kubernetes|openid-client|oauth4webapi|jose|figures|is-plain-obj|is-stream|is-unicode-supported|get-stream|npm-run-path|path-key|unicorn-magic|human-signals|parse-ms|pretty-ms|strip-final-newline|yoctocolors|@sec-ant|@sindresorhus)/)",
  ],
};

module.exports = {
  projects: [
    { ...shared, displayName: "unit", testMatch: ["<rootDir>/test/unit/**/*.test.ts"] },
    { ...shared, displayName: "engine", testMatch: ["<rootDir>/test/engine/**/*.test.ts"] },
    { ...shared, displayName: "lab", testMatch: ["<rootDir>/test/lab/**/*.test.ts"] },
  ],
};
