// Fetches what the suite needs before its tests run two at a time: rivals would spoil each other's downloads. Where something cannot
// be had, each test says so and is skipped.
import { prepareSpark } from './python.js';

console.log('Preparing delta-rs and Spark (fetched by the first run, 800 MB on disk) ...');
const attempts = 2;
let obstacle = prepareSpark();
for (let attempt = 1; obstacle !== undefined && attempt < attempts; attempt++) obstacle = prepareSpark();
if (obstacle !== undefined) console.log(`Some tests will be skipped: ${obstacle}`);
