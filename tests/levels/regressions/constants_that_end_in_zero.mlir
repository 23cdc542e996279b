// GCC 12 takes a copied constant of 32 bytes for a broadcast when only its last number is 0.
func.func @f(%x: tensor<?xf32, #nd.dims<"n">>) -> (tensor<5xf64>, tensor<8xf64>, tensor<4xi64>) {
  %a = nd.constant dense<[1.0, 1.0, 1.0, 0.0, 2.0]> : tensor<5xf64> to tensor<5xf64>
  %b = nd.constant dense<[3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 0.0]> : tensor<8xf64> to tensor<8xf64>
  %c = nd.constant dense<[7, 7, 7, 0]> : tensor<4xi64> to tensor<4xi64>
  func.return %a, %b, %c : tensor<5xf64>, tensor<8xf64>, tensor<4xi64>
}
