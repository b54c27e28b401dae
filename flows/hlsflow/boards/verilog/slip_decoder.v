// Packets out of a stream of bytes, as RFC 1055 (SLIP) frames them: END between packets, two bytes for each END or ESC
// in them.
module slip_decoder (
    input  wire       clk,
    input  wire       rst,
    input  wire [7:0] in_data,
    input  wire       in_valid,
    input  wire       in_broken,  // a byte was lost
    output reg  [7:0] out_data,
    output reg        out_valid,
    output reg        out_end,    // the packet has ended
    output reg        out_broken  // a byte of it was lost, or follows ESC without a meaning
);
    localparam [7:0] END = 8'hC0, ESC = 8'hDB, ESC_END = 8'hDC, ESC_ESC = 8'hDD;

    reg escaped;
    always @(posedge clk) begin
        out_valid <= 1'b0;
        out_end <= 1'b0;
        out_broken <= in_broken;
        out_data <= !escaped ? in_data : (in_data == ESC_END) ? END : ESC;
        if (rst) begin
            escaped <= 1'b0;
        end else if (in_valid) begin
            escaped <= (in_data == ESC) && !escaped;
            if (in_data == END) begin
                out_end <= 1'b1;
                out_broken <= escaped;
                escaped <= 1'b0;
            end else if (escaped) begin
                out_valid <= 1'b1;
                out_broken <= (in_data != ESC_END) && (in_data != ESC_ESC);
            end else begin
                out_valid <= (in_data != ESC);
            end
        end
    end
endmodule
