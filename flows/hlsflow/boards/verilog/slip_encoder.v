// A stream of bytes with packets in it, as RFC 1055 (SLIP) frames them. A byte with `in_mark` is no byte but an END.
module slip_encoder (
    input  wire       clk,
    input  wire       rst,
    input  wire [7:0] in_data,
    input  wire       in_mark,
    input  wire       in_valid,
    output wire       in_ready,
    output wire [7:0] out_data,
    output wire       out_valid,
    input  wire       out_ready
);
    localparam [7:0] END = 8'hC0, ESC = 8'hDB, ESC_END = 8'hDC, ESC_ESC = 8'hDD;

    reg second;                   // the byte behind ESC is next
    wire special = !in_mark && (in_data == END || in_data == ESC);
    assign out_valid = in_valid;
    assign out_data = in_mark ? END : !special ? in_data : !second ? ESC : (in_data == END) ? ESC_END : ESC_ESC;
    assign in_ready = out_ready && (!special || second);

    always @(posedge clk) begin
        if (rst) second <= 1'b0;
        else if (out_valid && out_ready) second <= special && !second;
    end
endmodule
