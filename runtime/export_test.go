package runtime

// ExtismFunctions and UserFunctions let tests import everything there is.
var (
	ExtismFunctions = extismFunctions
	UserFunctions   = userFunctions
)
