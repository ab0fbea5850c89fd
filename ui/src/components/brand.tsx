/** The product's mark: one way in, several ways out. */
export function Brand({ size }: { size: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden>
      <rect width="32" height="32" rx="8" fill="#3350bd" />
      <path
        d="M9 8v16M9 16h4.5c4.5 0 4-7 9.5-7M13.5 16c4.5 0 4 7 9.5 7"
        fill="none"
        stroke="#fff"
        strokeWidth="2.6"
        strokeLinecap="round"
      />
      <circle cx="23" cy="9" r="2.2" fill="#94abf2" />
      <circle cx="23" cy="23" r="2.2" fill="#94abf2" />
    </svg>
  )
}
