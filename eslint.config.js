import js from '@eslint/js';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import importX from 'eslint-plugin-import-x';
import jsdoc from 'eslint-plugin-jsdoc';
import tseslint from 'typescript-eslint';
import { mapsForKeys, noTypeCycle } from './scripts/eslint-rules.js';

/** The folders that each folder may import. */
const MAY_IMPORT = {
  lib: ['model'],
  model: ['lib'],
  records: ['model', 'lib'],
  tables: ['records', 'model', 'lib'],
  adapters: ['model', 'lib'],
  steps: ['adapters', 'tables', 'records', 'model', 'lib'],
  activities: ['steps', 'adapters', 'tables', 'records', 'model', 'lib'],
  workflows: ['activities', 'model', 'lib'],
  worker: ['activities', 'workflows', 'steps', 'adapters', 'tables', 'records', 'model', 'lib'],
  client: ['workflows', 'steps', 'adapters', 'tables', 'records', 'model', 'lib'],
  simulator: ['model', 'lib'],
  services: ['adapters', 'model', 'lib'],
  scripts: [
    'services',
    'simulator',
    'client',
    'worker',
    'workflows',
    'steps',
    'adapters',
    'tables',
    'records',
    'model',
    'lib',
  ],
};

/** Every folder with modules. */
const FOLDERS = [...Object.keys(MAY_IMPORT), 'bench', 'test'];

const zones = Object.entries(MAY_IMPORT).map(([folder, allowed]) => ({
  target: `./${folder}`,
  from: FOLDERS.filter((other) => other !== folder && !allowed.includes(other)).map((other) => `./${other}`),
  message: `${folder}/ may import ${allowed.join(', ')}: see docs/architecture.md.`,
}));

/** Message of the rules that confine writes to the terminal. */
const PRINTING = 'Commands write through client/cli/output.ts, which escapes what a terminal could obey.';

export default tseslint.config(
  { ignores: ['node_modules', 'dist', '.services', '.venv'] },
  js.configs.recommended,
  { files: ['**/*.js'], languageOptions: { globals: { process: 'readonly', URL: 'readonly' } } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    plugins: {
      'import-x': importX,
      jsdoc,
      pipeline: { rules: { 'maps-for-keys': mapsForKeys, 'no-type-cycle': noTypeCycle } },
    },
    languageOptions: { parserOptions: { projectService: true } },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver()] },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      'import-x/no-cycle': 'error',
      'import-x/no-extraneous-dependencies': 'error',
      'import-x/no-restricted-paths': ['error', { zones, basePath: import.meta.dirname }],
      'jsdoc/require-jsdoc': ['error', { publicOnly: true }],
      'max-lines': ['error', { max: 300, skipBlankLines: false, skipComments: false }],
      complexity: ['error', { max: 12, variant: 'modified' }],
      'pipeline/no-type-cycle': 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['**/*.ts'],
    ignores: ['test/**', '**/*.test.ts'],
    rules: {
      'max-lines-per-function': [
        'error',
        { max: 60, skipBlankLines: false, skipComments: false, IIFEs: true },
      ],
    },
  },
  {
    // Text from outside is escaped in client/cli/output.ts, so only that module may write to a terminal.
    files: ['client/**/*.ts'],
    ignores: ['client/cli/output.ts', 'client/cli/output/*.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        ...['stdout', 'stderr'].map((property) => ({ object: 'process', property, message: PRINTING })),
      ],
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          paths: [
            'cli-table3',
            'log-update',
            'node:console',
            'node:process',
            'node:readline',
            'node:tty',
          ].map((name) => ({ name, message: PRINTING })),
          patterns: [
            { group: ['node:readline/*'], message: PRINTING },
            {
              group: ['**/output/streams.ts'],
              importNames: ['writeError', 'writeOutput'],
              message: PRINTING,
            },
          ],
        },
      ],
    },
  },
  {
    files: ['{activities,adapters,client,lib,model,records,steps,tables,worker,workflows}/**/*.ts'],
    rules: { 'pipeline/maps-for-keys': 'error' },
  },
  {
    // kafkajs has no public API for custom requests: see adapters/kafka/wire/README.md.
    files: ['**/*.ts'],
    ignores: ['adapters/kafka/wire/*.ts', 'client/**', 'workflows/**', 'test/**'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            { group: ['kafkajs/*'], message: 'Only adapters/kafka/wire/ uses what kafkajs keeps private.' },
          ],
        },
      ],
    },
  },
  {
    files: ['workflows/**/*.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              group: ['../activities/*'],
              allowTypeImports: true,
              message: 'A workflow imports activities as types alone.',
            },
          ],
        },
      ],
    },
  },
  {
    // AssemblyScript: its sized numbers are one type to TypeScript, and it has no `import type`.
    files: ['records/scanner/*.ts'],
    rules: {
      '@typescript-eslint/consistent-type-imports': 'off',
      '@typescript-eslint/no-unnecessary-type-assertion': 'off',
      'no-loss-of-precision': 'off',
    },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts', 'scripts/**/*.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', package: 'node:test', name: ['test', 'describe', 'it', 'suite'] },
          ],
        },
      ],
      'jsdoc/require-jsdoc': 'off',
    },
  },
  {
    // Optional chaining in assertions counts as branches, though a test reads from top to bottom.
    files: ['test/**/*.test.ts'],
    rules: { complexity: 'off' },
  },
);
