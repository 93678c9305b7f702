// `npm start`, `npm test` and every other script come through here: installs what is missing, builds, then runs
// dist/<script> in a child process. Only Node's own modules, since on a fresh clone nothing else is there yet.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const installStamp = join(root, 'node_modules', '.tributary-install');

requireNode();
installIfMissing();
build();
const [script, ...args] = process.argv.slice(2);
if (script !== undefined) runScript(script, args);

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  fail(`Node.js ${process.versions.node} is too old. Install Node.js 20.19 or later.`);
}

/** `npm ci` when node_modules does not match the lock file. */
function installIfMissing() {
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(installStamp) && readFileSync(installStamp, 'utf8') === wanted) return;
  console.error('Installing packages (first run only) ...');
  run(process.platform === 'win32' ? 'npm.cmd' : 'npm', [
    'ci',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ]);
  writeFileSync(installStamp, wanted);
}

function build() {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  // A build record without its output (someone removed dist by halves) would make the compiler skip the work.
  if (!existsSync(join(root, 'dist', 'functions')))
    rmSync(join(root, 'dist'), { recursive: true, force: true });
  run(process.execPath, [compiler, '-p', root]);
  removeStaleOutput();
}

/** The compiler leaves the output of deleted sources behind; the host would load such a function, the runner such a test. */
function removeStaleOutput() {
  const output = join(root, 'dist');
  for (const file of readdirSync(output, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.js') || existsSync(join(root, `${file.slice(0, -'.js'.length)}.ts`))) continue;
    rmSync(join(output, file));
    rmSync(join(output, `${file}.map`), { force: true });
  }
}

function run(command, args) {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (result.error) fail(`Could not run ${command}: ${result.error.message}`);
  if (result.status !== 0) process.exit(result.status ?? 1);
}

/** The child gets the terminal's signals itself; this process only waits and hands on the exit code. */
function runScript(script, args) {
  const child = spawn(process.execPath, ['--enable-source-maps', join(root, 'dist', script), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (signal !== 'SIGINT') child.kill(signal);
    });
  }
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
