package runtime

// ExtismFunctions lets tests import everything there is.
var ExtismFunctions = extismFunctions
