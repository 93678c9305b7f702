export { type Azurite, type AzuriteOptions, azuriteConnectionString, startAzurite } from './azurite.js';
