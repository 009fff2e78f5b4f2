import { readFileSync } from "node:fs";
import { join } from "node:path";

import { renderReference } from "../../../config/reference";

it("docs/configuration.md is what the schemas say (npm run reference writes it)", () => {
  expect(readFileSync(join(__dirname, "../../../docs/configuration.md"), "utf8")).toBe(renderReference());
});
