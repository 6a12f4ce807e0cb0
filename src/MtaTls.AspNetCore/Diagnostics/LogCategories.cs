namespace MtaTls.AspNetCore.Diagnostics;

/// <summary>The log categories of this library; <c>Logging:LogLevel:MtaTls.AspNetCore</c> sets the level of all.</summary>
internal static class LogCategories
{
    public const string Configuration = "MtaTls.AspNetCore.Configuration";

    public const string Endpoints = "MtaTls.AspNetCore.Endpoints";

    public const string Sessions = "MtaTls.AspNetCore.Sessions";

    public const string Channels = "MtaTls.AspNetCore.Channels";

    public const string Routing = "MtaTls.AspNetCore.Routing";
}
