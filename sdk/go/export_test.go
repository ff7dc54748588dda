package snaphook

// ReadReply lets tests read replies as a guest does.
var ReadReply = readReply
