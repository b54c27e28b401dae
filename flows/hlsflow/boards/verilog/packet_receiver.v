// Takes packets apart and judges them. A packet is
//
//     kind, sequence number (2 bytes), length of the payload (2 bytes), payload, CRC-32 of all that (4 bytes),
//
// the lowest byte of each number first. The payload of a frame goes to a buffer as it comes; only a frame that is whole
// is accepted. Of every other packet the reason is told, for an answer.
module packet_receiver #(
    parameter FRAME_BYTES = 64
) (
    input  wire        clk,
    input  wire        rst,
    input  wire [7:0]  in_data,
    input  wire        in_valid,
    input  wire        in_end,
    input  wire        in_broken,
    input  wire        room,          // the buffer has room for another frame
    output wire [15:0] write_index,   // of the byte in the frame
    output wire [7:0]  write_data,
    output wire        write,
    output reg         accept,        // for one cycle: the frame that was written is whole
    output reg         identify,      // … the design shall say what it is
    output reg         refuse,        // … no such packet, for a reason:
    output reg  [7:0]  reason,
    output reg  [15:0] number       // number of the packet that is judged
);
    localparam [7:0] FRAME = 8'h01, IDENTIFY = 8'h02;
    localparam [7:0] LINE = 8'd1, SHORT = 8'd2, CHECKSUM = 8'd3, KIND = 8'd4, LENGTH = 8'd5, EARLY = 8'd6;
    localparam HEADER = 5, TRAILER = 4;

    reg [15:0] count;                 // bytes of the packet so far, 65,535 for that many and more
    reg [7:0] kind;
    reg [15:0] length;
    reg broken;
    reg early;                        // it began while the buffer had no room
    reg judge;                        // its last byte has gone through the checksum
    reg clear;
    wire crc_busy;
    wire crc_whole;

    crc32 crc (
        .clk(clk), .start(rst || clear), .data(in_data), .valid(in_valid), .sum(), .busy(crc_busy), .whole(crc_whole)
    );

    assign write_index = count - HEADER;
    assign write_data = in_data;
    assign write = in_valid && !early && (kind == FRAME) && (count >= HEADER) && (count < HEADER + FRAME_BYTES);

    wire [16:0] whole_bytes = {1'b0, length} + (HEADER + TRAILER);
    wire is_short = (count < HEADER + TRAILER) || ({1'b0, count} < whole_bytes);
    wire is_known = (kind == FRAME) || (kind == IDENTIFY);
    wire [15:0] wanted_length = (kind == FRAME) ? FRAME_BYTES : 16'd0;
    wire is_right = ({1'b0, count} == whole_bytes) && (length == wanted_length);

    always @(posedge clk) begin
        accept <= 1'b0;
        identify <= 1'b0;
        refuse <= 1'b0;
        clear <= 1'b0;
        if (rst) begin
            count <= 16'd0;
            kind <= 8'd0;
            length <= 16'd0;
            broken <= 1'b0;
            early <= 1'b0;
            judge <= 1'b0;
        end else if (judge && !crc_busy) begin
            judge <= 1'b0;
            clear <= 1'b1;
            count <= 16'd0;
            broken <= 1'b0;
            // END twice, as every packet begins with one, is no packet.
            if (count != 16'd0 || broken) begin
                refuse <= 1'b1;
                if (broken) reason <= LINE;
                else if (is_short) reason <= SHORT;
                else if (!crc_whole) reason <= CHECKSUM;
                else if (!is_known) reason <= KIND;
                else if (!is_right) reason <= LENGTH;
                else if (early && kind == FRAME) reason <= EARLY;
                else begin
                    refuse <= 1'b0;
                    accept <= (kind == FRAME);
                    identify <= (kind == IDENTIFY);
                end
            end
        end else begin
            if (in_broken) broken <= 1'b1;
            if (in_end) judge <= 1'b1;
            if (in_valid) begin
                if (count != 16'hFFFF) count <= count + 1'b1;
                case (count)
                    16'd0: begin
                        kind <= in_data;
                        early <= !room;
                        number <= 16'd0;
                    end
                    16'd1: number[7:0] <= in_data;
                    16'd2: number[15:8] <= in_data;
                    16'd3: length[7:0] <= in_data;
                    16'd4: length[15:8] <= in_data;
                    default: ;
                endcase
            end
        end
    end
endmodule
