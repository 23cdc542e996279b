// RUN: irc-opt %s -p 'loops-expand-math{target=cpu:x86-64-v3}' | filecheck %s

// CHECK-LABEL: func.func @scalars
func.func @scalars(%x: f32, %y: f64, %h: f16) -> (f32, f64, f16, f32) {
  // CHECK: func.call @irc.exp_f32(%x)
  %a = math.exp %x : f32
  // CHECK: func.call @irc.log_f64(%y)
  %b = math.log %y : f64
  // Half floats are computed in f32 before; what is not listed stays.
  // CHECK: math.exp %h : f16
  %c = math.exp %h : f16
  // CHECK: math.sin %x : f32
  %d = math.sin %x : f32
  func.return %a, %b, %c, %d : f32, f64, f16, f32
}
// CHECK: func.func private @irc.exp_f32
// CHECK: math.fma
// CHECK: func.func private @irc.log_f64
