using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MtaTls.Agent.Transport;

/// <summary>The endpoints that the app has made in code, which Kestrel does not show. Where a Kestrel lacks the member, none is assumed.</summary>
internal static class KestrelEndpointsAccessor
{
    public static int Count(KestrelServerOptions kestrel)
    {
        try
        {
            return Endpoints(kestrel).Length;
        }
        catch (MissingMethodException)
        {
            return 0;
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "GetListenOptions")]
    private static extern ListenOptions[] Endpoints(KestrelServerOptions kestrel);
}
