namespace MtaTls.Dashboard.Inspector;

/// <summary>A recorded body.</summary>
/// <param name="Length">The number of all its bytes.</param>
/// <param name="IsCut">Whether only the first bytes are kept.</param>
/// <param name="Text">The kept bytes as text; null if they are not UTF-8.</param>
/// <param name="Hexadecimal">The first kept bytes in hexadecimal, if they are not UTF-8; else null.</param>
internal sealed record RecordedBody(long Length, bool IsCut, string? Text, string? Hexadecimal);
