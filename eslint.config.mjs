import pulumi from "@pulumi/eslint-plugin";
import tseslint from "typescript-eslint";

// The program must stay deployable without the lab: only the lab itself and the tests may import it.
const noLab = { group: ["**/lab/**", "**/lab"], message: "The program never knows that it runs in the lab." };
const noStacks = { group: ["**/stacks/**"], message: "Arrows go from stacks to k8s, infra and config, never back." };

export default tseslint.config(
  { ignores: ["node_modules/**", "lab/**/*.go", "**/__snapshots__/**"] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ["*.mjs", "jest.config.js", "test/lab/*.cjs"] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "@typescript-eslint/require-await": "off",
    },
  },
  {
    files: ["infra/**/*.ts", "k8s/**/*.ts", "stacks/**/*.ts"],
    plugins: { "@pulumi": pulumi },
    rules: {
      "@pulumi/no-output-in-template-literal": "error",
      "@pulumi/no-output-instance-in-template-literal": "off",
    },
  },
  {
    files: ["config/**/*.ts", "check/**/*.ts", "traffic/**/*.ts", "measure/**/*.ts"],
    rules: { "no-restricted-imports": ["error", { patterns: [noLab, noStacks] }] },
  },
  {
    files: ["infra/**/*.ts", "k8s/**/*.ts"],
    rules: { "no-restricted-imports": ["error", { patterns: [noLab, noStacks] }] },
  },
  { files: ["stacks/**/*.ts", "cli/**/*.ts"], rules: { "no-restricted-imports": ["error", { patterns: [noLab] }] } },
  { files: ["**/*.mjs"], extends: [tseslint.configs.disableTypeChecked] },
  {
    files: ["**/*.cjs", "jest.config.js"],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { globals: { module: "readonly", require: "readonly" } },
    rules: { "@typescript-eslint/no-require-imports": "off" },
  },
);
