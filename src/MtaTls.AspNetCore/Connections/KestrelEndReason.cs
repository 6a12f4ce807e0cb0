using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Microsoft.AspNetCore.Http.Features;

namespace MtaTls.AspNetCore.Connections;

/// <summary>
/// Tells whether Kestrel's HTTP layer ended a connection because of an error: the application threw after its response had begun, it aborted the request, or the client violated
/// HTTP. Kestrel then closes the connection normally, so no public member shows the error. It keeps the reason for its metrics, in an object that all channels of a session share.
/// </summary>
internal static class KestrelEndReason
{
    private const string Prefix = "Microsoft.AspNetCore.Server.Kestrel.Core.Internal.Infrastructure.";
    private const string Kestrel = ", Microsoft.AspNetCore.Server.Kestrel.Core";

    [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)]
    private static readonly Type? s_feature = Type.GetType(Prefix + "IConnectionMetricsContextFeature" + Kestrel);

    [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicProperties)]
    private static readonly Type? s_contextType = Type.GetType(Prefix + "ConnectionMetricsContext" + Kestrel);

    private static readonly PropertyInfo? s_context = s_feature?.GetProperty("MetricsContext");
    private static readonly PropertyInfo? s_reason = s_contextType?.GetProperty("ConnectionEndReason");

    /// <summary>Whether this version of Kestrel has the members that are read here. Without them such errors are not seen, but aborts are.</summary>
    public static bool IsAvailable => s_context is not null && s_reason is not null;

    public static bool IsError(IFeatureCollection connection) =>
        IsAvailable && connection[s_feature!] is { } feature && s_context!.GetValue(feature) is { } context && s_reason!.GetValue(context) is not null;
}
