(import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
(import "extism:host/env" "length" (func $length (param i64) (result i64)))
(import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
(import "extism:host/env" "store_u64" (func $store_u64 (param i64 i64)))
(import "extism:host/env" "input_length" (func $input_length (result i64)))
(import "extism:host/env" "input_load_u8" (func $input_load_u8 (param i64) (result i32)))
(import "extism:host/env" "input_load_u64" (func $input_load_u64 (param i64) (result i64)))
(import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
(import "extism:host/env" "error_set" (func $error_set (param i64)))
(import "extism:host/env" "config_get" (func $config_get (param i64) (result i64)))
(import "extism:host/env" "http_request" (func $http_request (param i64 i64) (result i64)))
(import "extism:host/env" "http_status_code" (func $http_status_code (result i32)))
(import "extism:host/env" "log_trace" (func $log_trace (param i64)))
(import "extism:host/env" "log_debug" (func $log_debug (param i64)))
(import "extism:host/env" "log_info" (func $log_info (param i64)))
(import "extism:host/env" "log_warn" (func $log_warn (param i64)))
(import "extism:host/env" "log_error" (func $log_error (param i64)))
(import "extism:host/user" "kv_get" (func $kv_get (param i64) (result i64)))
(import "extism:host/user" "kv_set" (func $kv_set (param i64 i64) (result i64)))
(import "extism:host/user" "kv_delete" (func $kv_delete (param i64) (result i64)))
(import "extism:host/user" "session_state_get" (func $session_state_get (result i64)))
(import "extism:host/user" "session_state_merge" (func $session_state_merge (param i64) (result i64)))
(import "extism:host/user" "run" (func $run (param i64) (result i64)))
(import "extism:host/user" "evaluate" (func $evaluate (param i64) (result i64)))
(import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
(import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
(import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))

;; block copies guest memory into a new block and returns its handle.
(func $block (param $p i32) (param $n i32) (result i64) (local $h i64) (local $i i32)
  (local.set $h (call $alloc (i64.extend_i32_u (local.get $n))))
  (block $words_done (loop $words
    (br_if $words_done (i32.gt_u (i32.add (local.get $i) (i32.const 8)) (local.get $n)))
    (call $store_u64 (i64.add (local.get $h) (i64.extend_i32_u (local.get $i)))
                     (i64.load (i32.add (local.get $p) (local.get $i))))
    (local.set $i (i32.add (local.get $i) (i32.const 8)))
    (br $words)))
  (block $bytes_done (loop $bytes
    (br_if $bytes_done (i32.ge_u (local.get $i) (local.get $n)))
    (call $store_u8 (i64.add (local.get $h) (i64.extend_i32_u (local.get $i)))
                    (i32.load8_u (i32.add (local.get $p) (local.get $i))))
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br $bytes)))
  (local.get $h))

;; output makes guest memory the output.
(func $output (param $p i32) (param $n i32)
  (call $output_set (call $block (local.get $p) (local.get $n)) (i64.extend_i32_u (local.get $n))))

;; answer_block makes a block the output, if there is one.
(func $answer_block (param $h i64)
  (if (i64.ne (local.get $h) (i64.const 0))
    (then (call $output_set (local.get $h) (call $length (local.get $h))))))

;; input copies the input into a new block and returns its handle.
(func $input (result i64) (local $n i64) (local $h i64) (local $i i64)
  (local.set $n (call $input_length))
  (local.set $h (call $alloc (local.get $n)))
  (block $words_done (loop $words
    (br_if $words_done (i64.gt_u (i64.add (local.get $i) (i64.const 8)) (local.get $n)))
    (call $store_u64 (i64.add (local.get $h) (local.get $i)) (call $input_load_u64 (local.get $i)))
    (local.set $i (i64.add (local.get $i) (i64.const 8)))
    (br $words)))
  (block $bytes_done (loop $bytes
    (br_if $bytes_done (i64.ge_u (local.get $i) (local.get $n)))
    (call $store_u8 (i64.add (local.get $h) (local.get $i)) (call $input_load_u8 (local.get $i)))
    (local.set $i (i64.add (local.get $i) (i64.const 1)))
    (br $bytes)))
  (local.get $h))

;; echo makes a copy of the input the output.
(func $echo (call $output_set (call $input) (call $input_length)))

;; post sends the input as the body of a request, given as a block; it returns
;; 0 when the answer is a 2xx, else 1.
(func $post (param $request i64) (result i32)
  (drop (call $http_request (local.get $request) (call $input)))
  (i32.ne (i32.div_u (call $http_status_code) (i32.const 100)) (i32.const 2)))

;; print writes guest memory to a file descriptor.
(func $print (param $fd i32) (param $p i32) (param $n i32)
  (i32.store (i32.const 0) (local.get $p))
  (i32.store (i32.const 4) (local.get $n))
  (drop (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))))

;; sleep waits on the monotonic clock: one subscription of 48 bytes at 64.
(func $sleep (param $ns i64)
  (memory.fill (i32.const 64) (i32.const 0) (i32.const 48))
  (i32.store (i32.const 80) (i32.const 1))
  (i64.store (i32.const 88) (local.get $ns))
  (drop (call $poll_oneoff (i32.const 64) (i32.const 128) (i32.const 1) (i32.const 192))))
