// Preloaded into Azurite (`node -r`): ends it when our end of its stdin closes. The kernel closes
// that pipe even when we die by kill -9, so no emulator is left behind.
"use strict";

const GRACE_MILLISECONDS = 5000; // Azurite's own handler saves and closes within a tenth of a second

process.stdin.resume();
process.stdin.once("close", () => {
  // SIGTERM runs Azurite's own handler, which saves what it holds; the timer is for a stuck one.
  process.kill(process.pid, "SIGTERM");
  setTimeout(() => process.exit(1), GRACE_MILLISECONDS).unref();
});
