// In place of a module that a bundle has not.
export default undefined;
