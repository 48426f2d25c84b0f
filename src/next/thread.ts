import { builtinChoices, builtinModels } from './models/builtin.ts';
import { serveModels } from './train/member.ts';

serveModels(builtinModels(), builtinChoices());
