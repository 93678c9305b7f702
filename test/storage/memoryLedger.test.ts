import { createMemoryLedger } from '../../shared/storage/index.js';
import { describeLedgerContract } from './ledgerContract.js';

describeLedgerContract({ name: 'in memory', createLedger: createMemoryLedger, manyRows: 250 });
