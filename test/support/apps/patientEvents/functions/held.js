// The function of heldEvents in an app that waits for full batches far longer than a test does.
import '../../heldEvents/functions/held.js';
