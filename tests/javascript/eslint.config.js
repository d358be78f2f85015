// @ts-check
import js from "@eslint/js";
import globals from "globals";

export default [
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      // What a kind of picture may need and its base does not.
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "no-var": "error",
      "prefer-const": "error",
      "no-implicit-globals": "error",
      "max-lines": ["error", 350],
      "max-lines-per-function": ["error", 80],
    },
  },
  { files: ["dashboard/**/*.js"], ignores: ["**/*.test.js"], languageOptions: { globals: globals.browser } },
  { files: ["**/*.test.js"], languageOptions: { globals: globals.node } },
];
